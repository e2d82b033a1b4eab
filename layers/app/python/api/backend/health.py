"""Whether the session backend and its database are well: for people, load balancers and `ping`."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from api.call import Call
from api.operation import Operation
from api.response import Response, json_response
from session_store.errors import StoreUnavailableError

VERSION = "v1"  # of the contract, as its paths have it


def health(call: Call) -> Response:
    """`{status, timestamp, version, checks}`; 503 when the database does not answer."""
    database = _check_database(call)
    status = HTTPStatus.OK if database["status"] == "healthy" else HTTPStatus.SERVICE_UNAVAILABLE
    return json_response(
        {
            "status": database["status"],
            "timestamp": datetime.now(UTC).isoformat(),
            "version": VERSION,
            "checks": {"database": database},
        },
        status,
    )


def _check_database(call: Call) -> dict[str, Any]:
    try:
        return {"status": "healthy", "response_time_ms": round(call.store.ping(), 3)}
    except StoreUnavailableError:
        return {"status": "unhealthy"}


OPERATIONS = (
    Operation(operation_id="sessionBackendHealth", method="GET", path="/health", handle=health, access="public"),
    Operation(
        operation_id="sessionBackendDatabaseHealth", method="GET", path="/health/db", handle=health, access="public"
    ),
)
