"""About the service itself: health, the OpenAPI document and the reference page."""

import json
from functools import cache
from pathlib import Path

from api import answers
from api.call import Call
from api.operation import Operation
from api.response import Response, json_response, text_response

OPENAPI_FILE = Path(__file__).parents[1] / "openapi.json"


def health(_: Call) -> Response:
    """Answers without the database, so that a lost database leads to no restart."""
    answer: answers.Health = {"status": "ok"}
    return json_response(answer)


def database_health(call: Call) -> Response:
    answer: answers.DatabaseHealth = {"status": "ok", "round_trip_ms": round(call.store.ping(), 3)}
    return json_response(answer)


def openapi(call: Call) -> Response:
    """The committed document; its server is where it was requested, with the prefix of a stage or a domain."""
    prefix = call.request.path.removesuffix("/openapi.json") or "/"
    text = _document_text().replace('"url": "/"', f'"url": {json.dumps(prefix)}', 1)
    return text_response(text, "application/json")


def docs(_: Call) -> Response:
    from api.reference_page import CONTENT_SECURITY_POLICY, page

    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return text_response(page(json.loads(_document_text())), "text/html; charset=utf-8", headers=headers)


@cache
def _document_text() -> str:
    return OPENAPI_FILE.read_text(encoding="utf-8")


OPERATIONS = (
    Operation(
        operation_id="health",
        method="GET",
        path="/health",
        handle=health,
        access="public",
        summary="Is the service there",
        description="Answers without the database.",
        answer=answers.Health,
        example={"status": "ok"},
    ),
    Operation(
        operation_id="liveness",
        method="GET",
        path="/health/live",
        handle=health,
        access="public",
        summary="Is the process alive",
        description="The same as `/health`, under the address that probes ask.",
        answer=answers.Health,
        example={"status": "ok"},
    ),
    Operation(
        operation_id="databaseHealth",
        method="GET",
        path="/health/db",
        handle=database_health,
        summary="Is the database there",
        description="One round trip to the database, measured.",
        answer=answers.DatabaseHealth,
        example={"status": "ok", "round_trip_ms": 1.4},
    ),
    Operation(
        operation_id="openapi",
        method="GET",
        path="/openapi.json",
        handle=openapi,
        access="public",
        summary="This document",
        answer="application/json",
    ),
    Operation(
        operation_id="docs",
        method="GET",
        path="/docs",
        handle=docs,
        access="public",
        summary="This document as a page",
        answer="text/html",
    ),
)
