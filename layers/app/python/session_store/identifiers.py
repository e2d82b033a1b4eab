"""The one rule for every identifier of the product: 1 to 255 printable characters."""

from .errors import InvalidIdentifierError

MAXIMUM_LENGTH = 255


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
