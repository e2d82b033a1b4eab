"""Content blocks of a prompt, as Strands has them: text, images, documents and videos, in base64 or as an upload.

Everything is checked before a run begins. An address is never taken: a model's service would read it with our rights.
docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from api.errors import InvalidRequestError
from api.media_formats import DOCUMENTS, IMAGES, VIDEOS, MediaFormat
from api.uploads import UPLOAD_ID

_NAME = re.compile(r"[A-Za-z0-9\-()\[\]]+(?: [A-Za-z0-9\-()\[\]]+)*")
_MAXIMUM_NAME_LENGTH = 200
_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
MAXIMUM_BLOCKS = 100
# Of all blocks together. In base64, with room for a text, what an agent can restore: session_store's
# MAXIMUM_WINDOW_BYTES.
MAXIMUM_CONTENT_BYTES = 20_000_000


class _Kind(NamedTuple):
    formats: Mapping[str, MediaFormat]
    max_bytes: int
    max_count: int
    members: frozenset[str]


KINDS: Mapping[str, _Kind] = {
    "image": _Kind(IMAGES, 3_750_000, 20, frozenset({"format", "source"})),
    "document": _Kind(DOCUMENTS, 4_500_000, 5, frozenset({"format", "source", "name"})),
    "video": _Kind(VIDEOS, MAXIMUM_CONTENT_BYTES, 1, frozenset({"format", "source"})),
}


ReadUpload = Callable[[str, int], bytes | None]
"""An upload of the caller's own by its id, at most a byte more than so many; None: there is none."""


def parse_blocks(
    value: Sequence[Any], field: str, read_upload: ReadUpload = lambda _id, _max_bytes: None
) -> list[dict[str, Any]]:
    """With bytes in place of base64 and of uploads. Raises `InvalidRequestError` naming the member at fault."""
    if not 1 <= len(value) <= MAXIMUM_BLOCKS:
        raise _refusal(field, f"must have 1 to {MAXIMUM_BLOCKS} content blocks")
    blocks: list[dict[str, Any]] = []
    left_bytes = MAXIMUM_CONTENT_BYTES
    for number, block in enumerate(value):
        blocks.append(_parse_block(block, f"{field}[{number}]", read_upload))
        left_bytes -= count_content_bytes(blocks[-1:])
        if left_bytes < 0:
            raise _refusal(field, f"must have at most {MAXIMUM_CONTENT_BYTES} bytes of content together")
    for name, kind in KINDS.items():
        if sum(name in block for block in blocks) > kind.max_count:
            raise _refusal(field, f"must have at most {kind.max_count} of {name}")
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        raise _refusal(field, "must have a text beside its document")
    return blocks


def count_content_bytes(blocks: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(block[name]["source"]["bytes"]) for block in blocks for name in KINDS if name in block)


def _parse_block(block: Any, field: str, read_upload: ReadUpload) -> dict[str, Any]:
    members = _object(block, field)
    if len(members) != 1:
        raise _refusal(field, f"must be one of text, {', '.join(KINDS)}")
    ((name, value),) = members.items()
    if name == "text":
        if not isinstance(value, str) or not value.strip():
            raise _refusal(f"{field}.text", "must be text, and not empty")
        return {"text": value}
    if name not in KINDS:
        raise _refusal(f"{field}.{name[:50]}", f"is none of text, {', '.join(KINDS)}")
    return {name: _parse_media(_object(value, f"{field}.{name}"), KINDS[name], f"{field}.{name}", read_upload)}


def _parse_media(members: Mapping[str, Any], kind: _Kind, field: str, read_upload: ReadUpload) -> dict[str, Any]:
    for name in members:
        if name not in kind.members:
            raise _refusal(f"{field}.{name[:50]}", "is not a field of this block")
    format_name = members.get("format")
    if not isinstance(format_name, str) or format_name not in kind.formats:
        raise _refusal(f"{field}.format", f"must be one of {', '.join(kind.formats)}")
    source = _object(members.get("source"), f"{field}.source")
    place, content = _parse_source(source, kind, f"{field}.source", read_upload)
    if not 1 <= len(content) <= kind.max_bytes:
        raise _refusal(place, f"must be 1 to {kind.max_bytes} bytes")
    if not kind.formats[format_name].is_content(content):
        raise _refusal(place, f"is no {format_name}")
    media: dict[str, Any] = {"format": format_name, "source": {"bytes": content}}
    if "name" in kind.members:
        media["name"] = _parse_name(members.get("name"), f"{field}.name")
    return media


def _parse_source(source: Mapping[str, Any], kind: _Kind, field: str, read_upload: ReadUpload) -> tuple[str, bytes]:
    """The member with the content, and the content."""
    for name in source:
        if name not in ("bytes", "upload"):
            raise _refusal(f"{field}.{name[:50]}", "is not taken: send the content itself, as bytes in base64")
    if len(source) != 1:
        raise _refusal(field, "must have bytes, or an upload")
    if "upload" in source:
        return f"{field}.upload", _parse_upload(source["upload"], kind, f"{field}.upload", read_upload)
    try:
        return f"{field}.bytes", base64.b64decode(source["bytes"], validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _refusal(f"{field}.bytes", "must be base64") from error


def _parse_upload(upload_id: Any, kind: _Kind, field: str, read_upload: ReadUpload) -> bytes:
    content = read_upload(upload_id, kind.max_bytes) if isinstance(upload_id, str) else None
    if content is None:
        raise _refusal(field, "names no upload of this session")
    return content


def _parse_name(value: Any, field: str) -> str:
    """What Bedrock takes for a document's name, which the model reads."""
    if not isinstance(value, str) or len(value) > _MAXIMUM_NAME_LENGTH or not _NAME.fullmatch(value):
        raise _refusal(
            field,
            f"must be 1 to {_MAXIMUM_NAME_LENGTH} letters, digits, hyphens, brackets, parentheses, single spaces",
        )
    return value


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refusal(field, "must be a JSON object")
    return cast(Mapping[str, Any], value)


def _refusal(field: str, reason: str) -> InvalidRequestError:
    return InvalidRequestError([(field, reason)])


def _source_schema() -> dict[str, Any]:
    content = {"type": "string", "contentEncoding": "base64", "pattern": _BASE64, "minLength": 4}
    upload = {"type": "string", "pattern": f"^{UPLOAD_ID}$"}
    return {"oneOf": [_object_schema({"bytes": content}), _object_schema({"upload": upload})]}


def _object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """With all of them."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _media_schema(kind: _Kind) -> dict[str, Any]:
    properties = {"format": {"type": "string", "enum": list(kind.formats)}, "source": _source_schema()}
    if "name" in kind.members:
        properties["name"] = {"type": "string", "maxLength": _MAXIMUM_NAME_LENGTH, "pattern": f"^{_NAME.pattern}$"}
    return _object_schema(properties)


def block_schema(text: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of one block."""
    kinds = {"text": text, **{name: _media_schema(kind) for name, kind in KINDS.items()}}
    return {"oneOf": [_object_schema({name: schema}) for name, schema in kinds.items()]}
