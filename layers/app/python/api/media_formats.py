"""The formats of images, documents and videos that models take: their media types, and how their content begins."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import NamedTuple


class MediaFormat(NamedTuple):
    media_type: str
    is_content: Callable[[bytes], bool]


def _starts(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(beginnings)


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def _is_mp4(content: bytes) -> bool:
    """QuickTime's and MPEG-4's files are made of boxes; what the first one may be is in ISO/IEC 14496-12."""
    return content[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _is_pdf(content: bytes) -> bool:
    return b"%PDF-" in content[:1024]


def _is_office(folder: str) -> Callable[[bytes], bool]:
    def is_office(content: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                return any(name.startswith(folder) for name in packed.namelist())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False

    return is_office


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OLD_OFFICE = _starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MATROSKA = _starts(b"\x1a\x45\xdf\xa3")
_MPEG = _starts(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")

IMAGES: Mapping[str, MediaFormat] = {
    "png": MediaFormat("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    "jpeg": MediaFormat("image/jpeg", _starts(b"\xff\xd8\xff")),
    "gif": MediaFormat("image/gif", _starts(b"GIF87a", b"GIF89a")),
    "webp": MediaFormat("image/webp", _is_webp),
}
DOCUMENTS: Mapping[str, MediaFormat] = {
    "pdf": MediaFormat("application/pdf", _is_pdf),
    "csv": MediaFormat("text/csv", _is_text),
    "doc": MediaFormat("application/msword", _OLD_OFFICE),
    "docx": MediaFormat(f"{_OPEN_XML}.wordprocessingml.document", _is_office("word/")),
    "xls": MediaFormat("application/vnd.ms-excel", _OLD_OFFICE),
    "xlsx": MediaFormat(f"{_OPEN_XML}.spreadsheetml.sheet", _is_office("xl/")),
    "html": MediaFormat("text/html", _is_text),
    "txt": MediaFormat("text/plain", _is_text),
    "md": MediaFormat("text/markdown", _is_text),
}
VIDEOS: Mapping[str, MediaFormat] = {
    "mp4": MediaFormat("video/mp4", _is_mp4),
    "mov": MediaFormat("video/quicktime", _is_mp4),
    "three_gp": MediaFormat("video/3gpp", _is_mp4),
    "mkv": MediaFormat("video/x-matroska", _MATROSKA),
    "webm": MediaFormat("video/webm", _MATROSKA),
    "flv": MediaFormat("video/x-flv", _starts(b"FLV")),
    "mpeg": MediaFormat("video/mpeg", _MPEG),
    "mpg": MediaFormat("video/mpeg", _MPEG),
    "wmv": MediaFormat("video/x-ms-wmv", _starts(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
}
FORMATS: Mapping[str, MediaFormat] = {**IMAGES, **DOCUMENTS, **VIDEOS}
OTHER = "application/octet-stream"
