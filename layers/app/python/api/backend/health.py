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
    return _report_with_database(call, "healthy", "unhealthy")


def readiness(call: Call) -> Response:
    """As `health`, in the words of a readiness probe."""
    return _report_with_database(call, "ready", "not_ready")


def liveness(_: Call) -> Response:
    """Without the database: to start the process again would not bring that back."""
    return _report("alive", HTTPStatus.OK, service={"status": "alive"})


def _report_with_database(call: Call, well: str, unwell: str) -> Response:
    service = {"status": well}
    try:
        database = {"status": well, "response_time_ms": round(call.store.ping(), 3)}
    except StoreUnavailableError:
        return _report(unwell, HTTPStatus.SERVICE_UNAVAILABLE, service=service, database={"status": unwell})
    return _report(well, HTTPStatus.OK, service=service, database=database)


def _report(status: str, http_status: HTTPStatus, **checks: dict[str, Any]) -> Response:
    timestamp = datetime.now(UTC).isoformat()
    return json_response({"status": status, "timestamp": timestamp, "version": VERSION, "checks": checks}, http_status)


OPERATIONS = tuple(
    Operation(operation_id=operation_id, method="GET", path=path, handle=handle, access="public")
    for operation_id, path, handle in (
        ("sessionBackendHealth", "/health", health),
        ("sessionBackendDatabaseHealth", "/health/db", health),
        ("sessionBackendReadiness", "/health/ready", readiness),
        ("sessionBackendLiveness", "/health/live", liveness),
    )
)
