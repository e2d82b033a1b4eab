"""Errors as problem documents (RFC 9457): the one table from a class to its status and the words a caller may read."""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from api import errors
from session_store import errors as store_errors

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """`detail` None: the error's own words are fit for the caller."""

    status: HTTPStatus
    detail: str | None = None


PROBLEMS: dict[type[Exception], Problem] = {
    errors.MalformedRequestError: Problem(HTTPStatus.BAD_REQUEST),
    errors.EndUserRefusedError: Problem(HTTPStatus.BAD_REQUEST),
    errors.UnauthenticatedError: Problem(HTTPStatus.UNAUTHORIZED),
    errors.RejoinRefusedError: Problem(HTTPStatus.CONFLICT),
    errors.RouteNotFoundError: Problem(HTTPStatus.NOT_FOUND),
    errors.UnsupportedMediaTypeError: Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    errors.PayloadTooLargeError: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    errors.InvalidRequestError: Problem(HTTPStatus.UNPROCESSABLE_ENTITY),
    errors.UploadsNotTakenError: Problem(HTTPStatus.NOT_FOUND),
    errors.UploadsUnavailableError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "Uploads cannot be reached; try again later."
    ),
    errors.ServerBusyError: Problem(HTTPStatus.SERVICE_UNAVAILABLE),
    errors.IssuerUnavailableError: Problem(HTTPStatus.SERVICE_UNAVAILABLE),
    store_errors.InvalidInputError: Problem(HTTPStatus.UNPROCESSABLE_ENTITY),
    store_errors.TooLargeError: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    store_errors.UnstorableValueError: Problem(  # a run raises it for what its tools or its model made
        HTTPStatus.INTERNAL_SERVER_ERROR, "The agent produced a value that cannot be stored."
    ),
    store_errors.IdempotencyKeyReusedError: Problem(HTTPStatus.UNPROCESSABLE_ENTITY),
    store_errors.NotFoundError: Problem(HTTPStatus.NOT_FOUND),
    store_errors.EventsGoneError: Problem(HTTPStatus.GONE),
    store_errors.CursorNotFoundError: Problem(HTTPStatus.NOT_FOUND, "No page begins there."),
    store_errors.ConflictError: Problem(HTTPStatus.CONFLICT),
    store_errors.BudgetExhaustedError: Problem(HTTPStatus.TOO_MANY_REQUESTS),
    store_errors.AwaitingResponseError: Problem(HTTPStatus.CONFLICT),
    store_errors.RunCancelledError: Problem(HTTPStatus.CONFLICT),
    store_errors.ModelFailedError: Problem(HTTPStatus.BAD_GATEWAY),  # its words have no more than the kind of error
    store_errors.ModelThrottledError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The model's service is busy; try again later."
    ),
    store_errors.StoreUnavailableError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be reached; try again later."
    ),
    store_errors.ServiceStoppingError: Problem(HTTPStatus.SERVICE_UNAVAILABLE),
    store_errors.RunDeadlineError: Problem(HTTPStatus.GATEWAY_TIMEOUT),
    store_errors.AgentIdError: Problem(HTTPStatus.INTERNAL_SERVER_ERROR),
    store_errors.ConfigurationError: Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The service is not set up correctly; its log says what."
    ),
    Exception: Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The service failed; its log says where."),
}

# RFC 9110's words for them, which Python has from 3.13 on.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


def title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def find_problem(kind: type[Exception]) -> Problem:
    """The entry of the nearest class that the table names."""
    return next(PROBLEMS[base] for base in kind.__mro__ if base in PROBLEMS)


def find_code(kind: type[Exception]) -> str:
    """The class's own code; what is none of ours keeps its name to itself."""
    return kind.code if issubclass(kind, store_errors.SessionStoreError | errors.RequestError) else "internal_error"


def dump_problem(error: Exception, request_id: str) -> dict[str, Any]:
    """The problem+json body."""
    problem = find_problem(type(error))
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title(problem.status),
        "status": int(problem.status),
        "detail": problem.detail or str(error),
        "code": find_code(type(error)),
        "request_id": request_id,
    }
    if fields := _fields(error):
        body["errors"] = [{"field": name, "message": reason} for name, reason in fields]
    if run_id := getattr(error, "run_id", None):
        body["run_id"] = run_id
    if isinstance(error, store_errors.AwaitingResponseError):
        body["interrupt_ids"] = list(error.interrupt_ids)
    if isinstance(error, store_errors.SessionBusyError) and error.position is not None:
        body["position"] = error.position
    if isinstance(error, store_errors.BudgetExhaustedError):
        body |= {"runs_left": error.runs_left, "tokens_left": error.tokens_left}
    if isinstance(error, store_errors.EventsGoneError):
        body["history"] = f"/sessions/{quote(error.session_id, safe='')}/history"
    return body


def headers(error: Exception) -> dict[str, str]:
    """`Retry-After` in whole seconds, where waiting helps."""
    seconds: float | None = getattr(error, "retry_after_seconds", None)
    return {} if seconds is None else {"Retry-After": str(max(1, math.ceil(seconds)))}


def _fields(error: Exception) -> tuple[tuple[str, str], ...]:
    if isinstance(error, store_errors.InvalidInputError):
        return ((error.field, error.reason),)
    return error.fields if isinstance(error, errors.RequestError) else ()
