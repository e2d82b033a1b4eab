"""What may name a value of Strands' `Storage`, and be one."""

import re

from .errors import InvalidInputError

MAXIMUM_KEY_BYTES = 1024
MAXIMUM_VALUE_BYTES = 100_000_000
_SLASHES = re.compile("/+")
_OF_SESSION = re.compile("(?:session|context)/([^/]+)/")


def parse_key(key: str) -> str:
    """As Strands' own backends normalize a key: single slashes, none at its ends.

    Raises `InvalidInputError` naming a key that is empty, too long, climbs (`..`), or is no text for PostgreSQL.
    """
    normalized = _normalize(key).rstrip("/")
    if not normalized:
        raise InvalidInputError("key", f"{key!r} must not be empty")
    return normalized


def parse_prefix(prefix: str) -> str:
    """As `parse_key`, but it may be empty, and a slash at its end stays. Raises `InvalidInputError`."""
    return _normalize(prefix)


def find_session_id(key: str) -> str | None:
    """The session that the value belongs to: its snapshots, and the context that was offloaded in it."""
    match = _OF_SESSION.match(key)
    return match.group(1) if match else None


def checked_value(key: str, data: bytes) -> bytes:
    """Raises `InvalidInputError` naming the key of a value that is too large."""
    if len(data) > MAXIMUM_VALUE_BYTES:
        raise InvalidInputError(key, f"has {len(data)} bytes, and a value has at most {MAXIMUM_VALUE_BYTES}")
    return bytes(data)


def find_lifetime_seconds(key: str, ttl_seconds: dict[str, float]) -> float | None:
    """That of the longest namespace which the key is in."""
    namespaces = [name for name in ttl_seconds if not name or key == name or key.startswith(f"{name}/")]
    return ttl_seconds[max(namespaces, key=len)] if namespaces else None


def _normalize(key: str) -> str:
    normalized = _SLASHES.sub("/", key).lstrip("/")
    if "\\" in key or ".." in normalized.split("/"):
        raise InvalidInputError("key", f"{key!r} must have no backslash and no segment '..'")
    if "\0" in key or any("\ud800" <= character <= "\udfff" for character in key):
        raise InvalidInputError("key", f"{key!r} must be text without NUL and lone surrogates")
    if len(normalized.encode()) > MAXIMUM_KEY_BYTES:
        raise InvalidInputError("key", f"{key[:50]!r}… must have at most {MAXIMUM_KEY_BYTES} bytes")
    return normalized
