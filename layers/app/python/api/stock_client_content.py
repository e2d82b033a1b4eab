"""The content of a stock client's message, in parts of its own kind, as a prompt. Nothing is ever fetched."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from api.content_blocks import parse_blocks
from api.errors import InvalidRequestError
from api.media_formats import DOCUMENTS, IMAGES, VIDEOS
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
_NOTHING_IS_FETCHED = "must be the content itself: nothing is fetched for a caller"


class _File(NamedTuple):
    """type_field, content_field: what the client calls them."""

    media_type: Any
    content: Any
    name: Any
    type_field: str
    content_field: str


def parse_content(content: Any, field: str) -> Prompt:
    """Of a message of AG-UI's: text, or content parts. Raises `InvalidRequestError` naming the part at fault."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return _parse(parts, field, _read_ag_ui_file, ("source.value", "source.mimeType"))


def parse_ui_parts(parts: Any, field: str) -> Prompt:
    """Of a message of Vercel's AI SDK. Raises `InvalidRequestError` naming the part at fault."""
    return _parse(parts, field, _read_ui_file, ("url", "mediaType"))


def find_text_length(prompt: Prompt) -> int:
    """Of the longest text in it."""
    texts = [prompt] if isinstance(prompt, str) else [str(block.get("text", "")) for block in prompt]
    return max(map(len, texts), default=0)


def _parse(
    parts: Any, field: str, read_file: Callable[[Mapping[str, Any], str], _File], names: tuple[str, str]
) -> Prompt:
    if not isinstance(parts, list):
        raise InvalidRequestError([(field, "must be text, or a list of content parts")])
    blocks = [_parse_part(part, f"{field}[{number}]", read_file) for number, part in enumerate(cast(list[Any], parts))]
    texts = [block["text"] for block in blocks if "text" in block]
    if len(texts) == len(blocks):
        if not (words := "\n\n".join(texts)).strip():
            raise InvalidRequestError([(field, "must not be empty")])
        return words
    try:
        return parse_blocks([block for block in blocks if block.get("text") != ""], field)
    except InvalidRequestError as error:
        raise InvalidRequestError([(_rename(name, names), reason) for name, reason in error.fields]) from None


def _parse_part(value: Any, field: str, read_file: Callable[[Mapping[str, Any], str], _File]) -> Block:
    if not isinstance(value, dict):
        raise InvalidRequestError([(field, "must be a JSON object")])
    part = cast(Mapping[str, Any], value)
    if part.get("type") == "text":
        text = part.get("text")
        if not isinstance(text, str):
            raise InvalidRequestError([(f"{field}.text", "must be text")])
        return {"text": text}
    file = read_file(part, field)
    known = _FORMATS.get(file.media_type) if isinstance(file.media_type, str) else None
    if known is None:
        raise InvalidRequestError([(file.type_field, f"must be one of {', '.join(_FORMATS)}")])
    if not isinstance(file.content, str):
        raise InvalidRequestError([(file.content_field, _NOTHING_IS_FETCHED)])
    kind, name = known
    media: Block = {"format": name, "source": {"bytes": file.content}}
    return {kind: {**media, "name": _document_name(file.name, field)} if kind == "document" else media}


def _read_ag_ui_file(part: Mapping[str, Any], field: str) -> _File:
    if part.get("type") == "binary":  # of versions before 1.0
        return _File(part.get("mimeType"), part.get("data"), part.get("filename"), f"{field}.mimeType", f"{field}.data")
    if part.get("type") not in ("image", "document", "video"):
        raise InvalidRequestError([(f"{field}.type", "must be text, image, document or video")])
    source: Any = part.get("source")
    if not isinstance(source, dict) or cast(Mapping[str, Any], source).get("type") != "data":
        raise InvalidRequestError([(f"{field}.source.type", f"{_NOTHING_IS_FETCHED}, in a source of the type data")])
    given, metadata = cast(Mapping[str, Any], source), part.get("metadata")
    name = cast(Mapping[str, Any], metadata).get("filename") if isinstance(metadata, dict) else None
    fields = f"{field}.source.mimeType", f"{field}.source.value"
    return _File(given.get("mimeType"), given.get("value"), name, *fields)


def _read_ui_file(part: Mapping[str, Any], field: str) -> _File:
    if part.get("type") != "file":
        raise InvalidRequestError([(f"{field}.type", "must be text or file")])
    url = part.get("url")
    match = _DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        raise InvalidRequestError([(f"{field}.url", f"{_NOTHING_IS_FETCHED}, in a data URL with base64")])
    return _File(match[1], match[2], part.get("filename"), f"{field}.mediaType", f"{field}.url")


def _document_name(given: Any, field: str) -> str:
    """As models take them; without one, that of its place."""
    name = _NOT_IN_A_NAME.sub(" ", given if isinstance(given, str) else "").strip()[:100]
    return name or _NOT_IN_A_NAME.sub(" ", field).strip()


def _rename(name: str, names: tuple[str, str]) -> str:
    """From Strands' member to the client's."""
    content, media_type = names
    name = re.sub(r"\.(image|document|video)\.source\.bytes$", f".{content}", name)
    return re.sub(r"\.(image|document|video)\.format$", f".{media_type}", name)
