"""What a caller gave cannot be taken: nothing was written."""

from .root import SessionStoreError


class InvalidInputError(SessionStoreError, ValueError):
    """A value was refused before anything was written.

    field: the name of the argument or member that holds it.
    """

    code = "invalid_request"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class InvalidIdentifierError(InvalidInputError):
    """An identifier breaks the one rule: 1 to 255 printable characters."""


class UnstorableValueError(InvalidInputError):
    """JSON cannot hold the value."""

    code = "unstorable_value"


class TooLargeError(InvalidInputError):
    """More than the session backend carries in one request or answer; PostgreSQL itself would take it."""

    code = "payload_too_large"

    def __init__(self, field: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(field, f"takes {size_bytes} bytes, and the session backend carries at most {limit_bytes}")


class WindowTooLargeError(TooLargeError):
    """An agent would restore more than a process has memory for, or a model takes. The run has not begun."""

    def __init__(self, message_id: int, size_bytes: int, limit_bytes: int) -> None:
        reason = (
            f"has {size_bytes} bytes, and with it the agent would restore more than {limit_bytes}:"
            " replace it by a shorter one, or let a conversation manager hold fewer"
        )
        InvalidInputError.__init__(self, f"message {message_id}", reason)


class IdempotencyKeyReusedError(InvalidInputError):
    """The idempotency key was used before with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another request")
