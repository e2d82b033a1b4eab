"""Where a page begins, opaque to its reader: the moment and the key of the row before it."""

import base64
import hashlib
import json
import uuid
from datetime import UTC, datetime

from session_store.errors import CursorNotFoundError

NEWEST = ("infinity", "ffffffff-ffff-ffff-ffff-ffffffffffff")


def dump_cursor(whose: str, moment: str, key: str) -> str:
    """The place behind a row; good for nobody but `whose`."""
    position = [_mark(whose), moment, key]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def parse_cursor(whose: str, cursor: str) -> tuple[str, str]:
    """Raises `CursorNotFoundError`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, before, before_key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        # In UTC a forged moment may be one that the database would refuse: that raises here.
        position = datetime.fromisoformat(before).astimezone(UTC).isoformat(), str(uuid.UUID(before_key))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CursorNotFoundError(cursor) from error
    if mark != _mark(whose):
        raise CursorNotFoundError(cursor)
    return position


def _mark(whose: str) -> str:
    return hashlib.sha256(whose.encode()).hexdigest()[:16]
