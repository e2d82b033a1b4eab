"""What a request can do wrong before the session store sees it; `code` names it for callers and stays the same.

RequestError
├── MalformedRequestError       not JSON as this API takes it
├── UnauthenticatedError        the gateway verified no caller
├── EndUserRefusedError         a caller that may not act for others names somebody
├── RejoinRefusedError          a client asks for the rest of a stream that is not known
├── RouteNotFoundError          nothing is served there
├── UnsupportedMediaTypeError   the body is not declared as JSON
├── PayloadTooLargeError        more than a limit allows
├── UploadsNotTakenError        the service has no place for uploads
├── UploadsUnavailableError     that place cannot be reached
├── ServerBusyError             the process answers as many requests as it may
├── IssuerUnavailableError      the keys of the tokens' issuer cannot be read
└── InvalidRequestError         JSON, but not what the route takes
"""

from collections.abc import Sequence
from typing import ClassVar

# What is named is the caller's own text: all of it, twice, would not fit into Lambda's response.
_FIELDS_NAMED = 20
_NAME_LENGTH = 100


class RequestError(Exception):
    """Root of the request's errors.

    fields: for each of them its name and what is wrong with it, in words for the caller.
    """

    code: ClassVar[str]

    def __init__(self, detail: str, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.fields = tuple(fields)


class MalformedRequestError(RequestError):
    """The body cannot be read as JSON."""

    code = "malformed_request"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The body {reason}.", [("body", reason)])


class UnauthenticatedError(RequestError):
    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("The request carries no verified identity.")


class EndUserRefusedError(RequestError):
    code = "end_user_refused"

    def __init__(self) -> None:
        reason = "is only for services that sign with IAM credentials"
        super().__init__(f"End-User {reason}.", [("End-User", reason)])


class RejoinRefusedError(RequestError):
    """To answer it with another turn would ask the model again, and again at each reconnection."""

    code = "rejoin_refused"

    def __init__(self) -> None:
        super().__init__(
            "No run of this request is known: it is found by the session_id or the Idempotency-Key that the"
            " first request had. GET /runs/{run_id}/events goes on with a run that is known by its id."
        )


class RouteNotFoundError(RequestError):
    code = "route_not_found"

    def __init__(self) -> None:
        super().__init__("Nothing is served under this method and path.")


class UnsupportedMediaTypeError(RequestError):
    code = "unsupported_media_type"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Content-Type {reason}.", [("Content-Type", reason)])


class PayloadTooLargeError(RequestError):
    code = "payload_too_large"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}.", [(field, reason)])


class UploadsNotTakenError(RequestError):
    code = "uploads_not_taken"

    def __init__(self) -> None:
        super().__init__("This service takes no uploads: neither UPLOAD_BUCKET nor UPLOAD_FOLDER is set.")


class UploadsUnavailableError(RequestError):
    """reason: for the log."""

    code = "uploads_unavailable"
    retry_after_seconds = 1.0

    def __init__(self, reason: str) -> None:
        super().__init__(f"Uploads cannot be reached: {reason}")


class ServerBusyError(RequestError):
    """Only where a process answers many requests at once, under `python -m api.app`."""

    code = "server_busy"
    retry_after_seconds = 1.0

    def __init__(self) -> None:
        super().__init__("The server answers as many requests as it may; try again later.")


class IssuerUnavailableError(RequestError):
    code = "issuer_unavailable"
    retry_after_seconds = 5.0

    def __init__(self) -> None:
        super().__init__("The keys of the tokens' issuer cannot be read; try again later.")


class InvalidRequestError(RequestError):
    """One or more fields break the route's rules; the first of them are named, long names by their beginning."""

    code = "invalid_request"

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        named = [(_shortened(name), reason) for name, reason in fields[:_FIELDS_NAMED]]
        super().__init__("; ".join(f"{name} {reason}" for name, reason in named) + ".", named)


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
