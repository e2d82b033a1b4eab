"""Whether the session backend and its database are well: for people, load balancers and `ping`."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api.backend.app import BackendApi
from api.request import Request
from api.responses import json_response
from session_store.errors import StoreUnavailableError
from session_store.postgresql import PostgreSQLStore

VERSION = "v1"  # of the contract, as its paths have it


class HealthRoutes:
    def __init__(self, store: PostgreSQLStore) -> None:
        self._store = store

    def add_to(self, api: BackendApi) -> None:
        api.route("GET", "/health", self.health)
        api.route("GET", "/health/db", self.health)

    def health(self, _: Request) -> Response[Any]:
        """`{status, timestamp, version, checks}`; 503 when the database does not answer."""
        database = self._database()
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

    def _database(self) -> dict[str, Any]:
        try:
            return {"status": "healthy", "response_time_ms": round(self._store.ping(), 3)}
        except StoreUnavailableError:
            return {"status": "unhealthy"}
