"""A function's operations behind the ASGI edge, called with the event that API Gateway would have sent."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from api.edges.api_gateway_caller import find_caller, find_claims
from api.edges.asgi import AsgiEdge
from api.edges.asgi_caller import Caller

MAXIMUM_REQUESTS = 8


def call_over_asgi(handler: Any, event: Mapping[str, Any]) -> dict[str, Any]:
    """The response as Lambda's handler would have returned it. The caller is the event's."""
    context = event["requestContext"]
    edge = AsgiEdge(
        handler.operations.values(),
        handler.application,
        lambda _: Caller(find_caller(context), find_claims(context)),
        MAXIMUM_REQUESTS,
    )
    return asyncio.run(_exchange(edge, _scope(event), _body(event)))


async def _exchange(edge: AsgiEdge, scope: dict[str, Any], body: bytes) -> dict[str, Any]:
    sent: list[Any] = []
    to_receive = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not to_receive:  # the client stays, and says nothing more
            await asyncio.Event().wait()
        return to_receive.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await edge(scope, receive, send)
    assert [message["type"] for message in sent[1:]] == ["http.response.body"] * (len(sent) - 1)
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    content = b"".join(message["body"] for message in sent[1:])
    headers = {name.decode("latin-1").title(): [value.decode("latin-1")] for name, value in sent[0]["headers"]}
    return {"statusCode": sent[0]["status"], "multiValueHeaders": headers, **_dump_body(content)}


def _dump_body(content: bytes) -> dict[str, Any]:
    try:
        return {"body": content.decode(errors="surrogatepass"), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def _scope(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": event["httpMethod"],
        "raw_path": event["path"].encode("latin-1"),
        "query_string": urlencode(event.get("multiValueQueryStringParameters") or {}, doseq=True).encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in event["headers"].items()],
    }


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode(errors="surrogatepass")
