"""The one rule for every identifier of the product: 1 to 255 printable characters; and what else may name a row."""

import uuid
from typing import Any

from .errors import InvalidIdentifierError, InvalidInputError

DEFAULT_OWNER = "default"
MAXIMUM_LENGTH = 255
MAXIMUM_NUMBER = 2**63 - 1
UNREACHABLE = (".", "..")
"""Clients take such segments out of a path, so that no URL leads there."""


def checked(field: str, value: object) -> str:
    """`value`, or `InvalidIdentifierError` naming `field`.

    Printable is Python's `str.isprintable`: no control characters, no line breaks, no lone surrogates, so that an
    identifier is always valid UTF-8 and PostgreSQL text.
    """
    if not isinstance(value, str):
        raise InvalidIdentifierError(field, "must be text")
    if not 1 <= len(value) <= MAXIMUM_LENGTH:
        raise InvalidIdentifierError(field, f"must have 1 to {MAXIMUM_LENGTH} characters, not {len(value)}")
    if not value.isprintable():
        raise InvalidIdentifierError(field, "must be printable text")
    return value


def checked_new_session_id(field: str, value: object) -> str:
    """As `checked`, but for what is `UNREACHABLE`."""
    identifier = checked(field, value)
    if identifier in UNREACHABLE:
        raise InvalidIdentifierError(field, f"must not be {identifier}")
    return identifier


def checked_number(field: str, value: object) -> int:
    """A whole number from 0 that the database can count to, or `InvalidInputError` naming `field`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAXIMUM_NUMBER:
        raise InvalidInputError(field, "must be a whole number from 0")
    return value


def checked_run_id(field: str, value: Any) -> str:
    """`value` as a UUID is written, or `InvalidInputError` naming `field`."""
    try:
        return str(uuid.UUID(value))
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInputError(field, "must be a UUID") from error
