"""The deployed routes as a WSGI application in this process: the gateway's events, the functions' handlers.

Or the same requests over ASGI.
"""

import json
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from local.gateway.event import Owner, Request, build_event
from local.gateway.routing import find_route
from local.gateway.table import Route, load_table
from response_streaming.response import find_stream
from tests.support.asgi_api import call_over_asgi
from tests.support.http_api import ROOT, Context, Edge, load_handler

FUNCTIONS = ("process", "process_streaming", "run_events", "sessions")


def load_handlers() -> dict[str, Any]:
    return {name: load_handler(name) for name in FUNCTIONS}


@cache
def load_routes() -> list[Route]:
    """Read by a process of its own, which takes half a second."""
    return load_table(ROOT / "functions/functions.toml").deployed()


class WsgiApi:
    """All of its requests are `user`'s."""

    def __init__(self, handlers: dict[str, Any], user: str, edge: Edge = "api_gateway") -> None:
        self._handlers, self._owner, self._edge = handlers, Owner(user), edge
        self._routes = load_routes()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = _request(environ)
        match = find_route(self._routes, request.method, request.path)
        if match is None or match.route.function.name not in self._handlers:
            start_response("403 Forbidden", [("Content-Type", "application/problem+json")])
            return [b"{}"]
        event = json.loads(build_event(request, match, self._owner if match.route.needs_owner else None, ()))
        handler = self._handlers[match.route.function.name]
        answer = call_over_asgi(handler, event) if self._edge == "asgi" else handler(event, Context())
        return self._answered(answer, start_response)

    def _answered(self, answer: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        stream = find_stream(answer)
        document = stream.joined() if stream else answer
        headers = [(name, value) for name, values in document["multiValueHeaders"].items() for value in values]
        start_response(f"{document['statusCode']} -", headers)
        return [b64decode(document["body"]) if document.get("isBase64Encoded") else document["body"].encode()]


def _request(environ: dict[str, Any]) -> Request:
    path, query = environ["REQUEST_URI"].partition("?")[0], environ.get("QUERY_STRING", "")
    headers = [(name[5:].replace("_", "-").title(), value) for name, value in environ.items() if name[:5] == "HTTP_"]
    if environ.get("CONTENT_TYPE"):
        headers.append(("Content-Type", environ["CONTENT_TYPE"]))
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return Request(str(uuid.uuid4()), environ["REQUEST_METHOD"], path, query, headers, body, "localhost", 80)
