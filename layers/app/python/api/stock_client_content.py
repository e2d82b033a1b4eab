"""The content of a stock client's message, in parts of its own kind, as a prompt.

A file is the content itself, or an upload by its id. Nothing is ever fetched.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast

from api.content_blocks import ReadUpload, parse_blocks
from api.errors import InvalidRequestError
from api.media_formats import DOCUMENTS, IMAGES, VIDEOS
from api.uploads import PROVIDER
from turns.request import Prompt

Block = dict[str, Any]

# By media type: the kind of Strands' block, and the format in it. Of several names of a format, the first.
_FORMATS: dict[str, tuple[str, str]] = {
    media.media_type: (kind, name)
    for kind, formats in (("image", IMAGES), ("document", DOCUMENTS), ("video", VIDEOS))
    for name, media in reversed(list(formats.items()))
}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9\-()\[\]]+")
_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]*)*?;base64,(.*)", re.DOTALL)
_NOTHING_IS_FETCHED = "nothing is fetched for a caller"


class _File(NamedTuple):
    """value: of that member of a block's source. type_field, value_field: what the client calls them."""

    media_type: Any
    member: Literal["bytes", "upload"]
    value: Any
    name: Any
    type_field: str
    value_field: str


class _Part(NamedTuple):
    block: Block
    field: str
    value_field: str


ReadFile = Callable[[Mapping[str, Any], str], _File]


def check_once(field: str, ids: Sequence[str], reason: str) -> None:
    """Raises `InvalidRequestError` where one of them is there twice: which one would count?"""
    if len(set(ids)) < len(ids):
        raise InvalidRequestError([(field, reason)])


def parse_content(content: Any, field: str, read_upload: ReadUpload) -> Prompt:
    """Of a message of AG-UI's: text, or content parts. Raises `InvalidRequestError` naming the part at fault."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return _parse(parts, field, _read_ag_ui_file, read_upload)


def parse_ui_parts(parts: Any, field: str, read_upload: ReadUpload) -> Prompt:
    """Of a message of Vercel's AI SDK. Raises `InvalidRequestError` naming the part at fault."""
    return _parse(parts, field, _read_ui_file, read_upload)


def find_text_length(prompt: Prompt) -> int:
    """Of the longest text in it."""
    texts = [prompt] if isinstance(prompt, str) else [str(block.get("text", "")) for block in prompt]
    return max(map(len, texts), default=0)


def _parse(value: Any, field: str, read_file: ReadFile, read_upload: ReadUpload) -> Prompt:
    if not isinstance(value, list):
        raise InvalidRequestError([(field, "must be text, or a list of content parts")])
    parts = [_parse_part(part, f"{field}[{number}]", read_file) for number, part in enumerate(cast(list[Any], value))]
    texts = [part.block["text"] for part in parts if "text" in part.block]
    if len(texts) == len(parts):
        if not (words := "\n\n".join(texts)).strip():
            raise InvalidRequestError([(field, "must not be empty")])
        return words
    sent = [part for part in parts if part.block.get("text") != ""]
    try:
        return parse_blocks([part.block for part in sent], field, read_upload)
    except InvalidRequestError as error:
        raise InvalidRequestError([(_rename(name, field, sent), reason) for name, reason in error.fields]) from None


def _parse_part(value: Any, field: str, read_file: ReadFile) -> _Part:
    if not isinstance(value, dict):
        raise InvalidRequestError([(field, "must be a JSON object")])
    part = cast(Mapping[str, Any], value)
    if part.get("type") == "text":
        text = part.get("text")
        if not isinstance(text, str):
            raise InvalidRequestError([(f"{field}.text", "must be text")])
        return _Part({"text": text}, field, f"{field}.text")
    file = read_file(part, field)
    return _Part(_make_block(file, field), field, file.value_field)


def _make_block(file: _File, field: str) -> Block:
    known = _FORMATS.get(file.media_type) if isinstance(file.media_type, str) else None
    if known is None:
        raise InvalidRequestError([(file.type_field, f"must be one of {', '.join(_FORMATS)}")])
    if not isinstance(file.value, str):
        raise InvalidRequestError([(file.value_field, f"must be the content itself: {_NOTHING_IS_FETCHED}")])
    kind, name = known
    media: Block = {"format": name, "source": {file.member: file.value}}
    return {kind: {**media, "name": _document_name(file.name, field)} if kind == "document" else media}


def _read_ag_ui_file(part: Mapping[str, Any], field: str) -> _File:
    if part.get("type") == "binary":
        return _read_binary(part, field)
    if part.get("type") not in ("image", "document", "video"):
        raise InvalidRequestError([(f"{field}.type", "must be text, image, document or video")])
    source = _members(part.get("source"))
    if source.get("type") not in ("data", "file"):
        reason = f"must be data, or file for an upload: {_NOTHING_IS_FETCHED}"
        raise InvalidRequestError([(f"{field}.source.type", reason)])
    if source.get("provider") not in (None, PROVIDER):
        raise InvalidRequestError([(f"{field}.source.provider", f"must be {PROVIDER}, or left out")])
    name = _members(part.get("metadata")).get("filename")
    member = "upload" if source["type"] == "file" else "bytes"
    fields = f"{field}.source.mimeType", f"{field}.source.value"
    return _File(source.get("mimeType"), member, source.get("value"), name, *fields)


def _read_binary(part: Mapping[str, Any], field: str) -> _File:
    """Of AG-UI's versions before 1.0."""
    is_upload = part.get("data") is None and part.get("id") is not None
    member, name = ("upload", "id") if is_upload else ("bytes", "data")
    fields = f"{field}.mimeType", f"{field}.{name}"
    return _File(part.get("mimeType"), member, part.get(name), part.get("filename"), *fields)


def _read_ui_file(part: Mapping[str, Any], field: str) -> _File:
    """A reference comes before an address, as in the SDK, and is of one provider among others."""
    if part.get("type") != "file":
        raise InvalidRequestError([(f"{field}.type", "must be text or file")])
    name, url, references = part.get("filename"), part.get("url"), _members(part.get("providerReference"))
    if PROVIDER in references:
        fields = f"{field}.mediaType", f"{field}.providerReference.{PROVIDER}"
        return _File(part.get("mediaType"), "upload", references[PROVIDER], name, *fields)
    match = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise InvalidRequestError([(f"{field}.url", f"must be a data URL with base64: {_NOTHING_IS_FETCHED}")])
    return _File(match[1], "bytes", match[2], name, f"{field}.mediaType", f"{field}.url")


def _members(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _document_name(given: Any, field: str) -> str:
    """As models take them; without one, that of its place."""
    name = _NOT_IN_A_NAME.sub(" ", given if isinstance(given, str) else "").strip()[:100].strip()
    return name or _NOT_IN_A_NAME.sub(" ", field).strip()


def _rename(name: str, field: str, parts: Sequence[_Part]) -> str:
    """From Strands' member to the client's."""
    place = re.fullmatch(r"\[(\d+)\](.*)", name.removeprefix(field))
    if place is None:
        return name
    part = parts[int(place[1])]
    return part.value_field if ".source." in place[2] else f"{part.field}{place[2]}"
