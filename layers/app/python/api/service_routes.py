"""About the service itself: health, the OpenAPI document and the reference page."""

from aws_lambda_powertools.event_handler import Response

from api.answers import DatabaseHealth, Health
from api.app import Api
from api.request import Request
from api.responses import json_response
from session_store.store import Store


class ServiceRoutes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.route("GET", "/health", self.health)
        api.route("GET", "/health/db", self.database_health)

    def health(self, _: Request) -> Response[str]:
        """Answers without the database, so that a restart is not what a lost database leads to."""
        answer: Health = {"status": "ok"}
        return json_response(answer)

    def database_health(self, request: Request) -> Response[str]:
        _ = request.owner
        answer: DatabaseHealth = {"status": "ok", "round_trip_ms": round(self._store.ping(), 3)}
        return json_response(answer)
