"""The API's problem documents with what else the session backend's contract has in them."""

from typing import Any

from api import problems
from api.errors import RequestError

_NAMES = {401: "AuthenticationError", 404: "NotFoundError", 409: "ConflictError", 503: "ServiceUnavailableError"}


def dump_problem(error: Exception, request_id: str) -> dict[str, Any]:
    """`detail` is the contract's object; `attributes` make the same error on the other side of the wire."""
    body = problems.dump_problem(error, request_id)
    name = _NAMES.get(body["status"], "ValidationError" if body["status"] < 500 else "InternalError")
    detail = {"error": name, "message": body["detail"], "request_id": request_id}
    return {**body, "detail": detail, "attributes": _attributes(error) if body["status"] != 500 else {}}


def _attributes(error: Exception) -> dict[str, Any]:
    if isinstance(error, RequestError):
        field, reason = error.fields[0] if error.fields else ("request", str(error))
        return {"field": field, "reason": reason}
    return dict(vars(error))
