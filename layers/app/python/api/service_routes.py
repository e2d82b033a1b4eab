"""About the service itself: health, the OpenAPI document and the reference page."""

import json
from functools import cache
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from api.answers import DatabaseHealth, Health
from api.app import Api
from api.request import Request
from api.responses import json_response, text_response
from session_store.store import Store


class ServiceRoutes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add_to(self, api: Api) -> None:
        api.route("GET", "/health", self.health)
        api.route("GET", "/health/db", self.database_health)
        api.route("GET", "/openapi.json", self.openapi)
        api.route("GET", "/docs", self.docs)

    def health(self, _: Request) -> Response[str]:
        """Answers without the database, so that a restart is not what a lost database leads to."""
        answer: Health = {"status": "ok"}
        return json_response(answer)

    def database_health(self, request: Request) -> Response[str]:
        _ = request.owner
        answer: DatabaseHealth = {"status": "ok", "round_trip_ms": round(self._store.ping(), 3)}
        return json_response(answer)

    def openapi(self, _: Request) -> Response[str]:
        return text_response(document_text(), "application/json")

    def docs(self, _: Request) -> Response[str]:
        from api.reference_page import CONTENT_SECURITY_POLICY, page

        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        return text_response(page(json.loads(document_text())), "text/html; charset=utf-8", headers=headers)


@cache
def document_text() -> str:
    """The committed OpenAPI document."""
    return Path(__file__).with_name("openapi.json").read_text(encoding="utf-8")
