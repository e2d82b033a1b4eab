"""The API's problem documents with what else the session backend's callers read in them."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from api import problems
from api.errors import RequestError
from api.responses import json_text, text_response

_NAMES = {401: "AuthenticationError", 404: "NotFoundError", 409: "ConflictError", 503: "ServiceUnavailableError"}


def problem_response(error: Exception, request_id: str) -> Response[str]:
    status = problems.problem_of(error).status
    body = json_text(document(error, request_id))
    return text_response(body, problems.MEDIA_TYPE, status, problems.headers(error))


def document(error: Exception, request_id: str) -> dict[str, Any]:
    """`detail` is the contract's object; `attributes` make the same error on the other side of the wire."""
    body = problems.document(error, request_id)
    name = _NAMES.get(body["status"], "ValidationError" if body["status"] < 500 else "InternalError")
    detail = {"error": name, "message": body["detail"], "request_id": request_id}
    return {**body, "detail": detail, "attributes": _attributes(error) if body["status"] != 500 else {}}


def _attributes(error: Exception) -> dict[str, Any]:
    if isinstance(error, RequestError):
        field, reason = error.fields[0] if error.fields else ("request", str(error))
        return {"field": field, "reason": reason}
    return dict(vars(error))
