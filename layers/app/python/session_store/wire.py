"""What the session backend and its client share besides documents: limits, pages, identifiers in paths. Public."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field

from . import identifiers
from .errors import InvalidIdentifierError

# Lambda takes and gives 6 MB, counted after the body has become a string in a JSON document, where quotes, backslashes
# and line breaks take two bytes. docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAXIMUM_BYTES = 5_000_000
MAXIMUM_DEPTH = 900
MAXIMUM_PAGE_SIZE = 1000
ENCODED = "~"
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def wire_bytes(text: str) -> int:
    """The size of `text` inside Lambda's event or response."""
    return len(json.dumps(text, ensure_ascii=False).encode())


@dataclass(slots=True)
class Page:
    """JSON texts that fit into one answer together.

    may_be_empty: else the first item has a place in any case, so that paging always gets further.
    """

    left_bytes: int = MAXIMUM_BYTES
    may_be_empty: bool = False
    items: list[str] = field(default_factory=list[str])

    def add(self, item: str) -> bool:
        """False: the page is full, and the item is for the next one."""
        size = wire_bytes(item)
        if (self.items or self.may_be_empty) and size > self.left_bytes:
            return False
        self.left_bytes -= size
        self.items.append(item)
        return True


def dump_segment(identifier: str) -> str:
    """An identifier for a path or a query: as it is if it is plain, else `~` and its UTF-8 in base64url.

    Only characters that no client, signature or gateway encodes, decodes or normalizes: percent-encoding does not
    survive them all (`%2F`, `.` and `..`, decoded paths), and takes up to 3,060 bytes of API Gateway's 10,240.
    """
    if _PLAIN.fullmatch(identifier):
        return identifier
    return ENCODED + base64.urlsafe_b64encode(identifier.encode()).decode().rstrip("=")


def parse_segment(field: str, segment: str) -> str:
    """The identifier that `dump_segment` made `segment` of, or that stands there as it is.

    Raises `InvalidIdentifierError`.
    """
    if not segment.startswith(ENCODED):
        return identifiers.checked(field, segment)
    encoded = segment.removeprefix(ENCODED)
    try:
        value = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidIdentifierError(field, "begins with ~, but what follows is not base64url of UTF-8") from error
    return identifiers.checked(field, value)
