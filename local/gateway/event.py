"""Builds the event of a Lambda proxy integration (payload 1.0), as a REST API with a custom domain sends it.

docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import json
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from local.gateway.routing import Match

STAGE = "local"
ACCOUNT_ID = "000000000000"
API_ID = "local"
# Hop-by-hop headers, which API Gateway does not forward.
HOP_HEADERS = {
    "connection",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


@dataclass(frozen=True)
class Owner:
    """The caller, as API Gateway's IAM authorization puts it in `requestContext.identity`."""

    user: str
    arn: str = f"arn:aws:iam::{ACCOUNT_ID}:user/local"


LOCAL_OWNER = Owner("AIDALOCALOWNER")


@dataclass(frozen=True)
class Request:
    """`path` and `query` are still percent-encoded; header names keep the client's spelling."""

    request_id: str
    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    host: str
    port: int

    def header(self, name: str) -> str:
        """The last value of a header, or "" if it was not sent. `name` is lower case."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")


def build_event(request: Request, match: Match, owner: Owner | None, binary_media_types: Sequence[str]) -> bytes:
    """The event as JSON. `owner` is None for a route without authorization, where API Gateway knows no caller."""
    headers = _group_values(
        (
            *((name, value) for name, value in request.headers if name.lower() not in HOP_HEADERS),
            *_forwarded_headers(request),
        )
    )
    query = _group_values(parse_qsl(request.query, keep_blank_values=True))
    event = {
        "resource": match.route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last_values(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last_values(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.path_parameters or None,
        "stageVariables": None,
        "requestContext": _request_context(request, match, owner),
        **_body(request, binary_media_types),
    }
    return json.dumps(event, ensure_ascii=False).encode()


def is_binary(media_type: str, binary_media_types: Sequence[str]) -> bool:
    """Whether API Gateway treats bodies of a `Content-Type` or `Accept` value as binary."""
    wanted = media_type.split(",")[0].split(";")[0].strip().lower()
    return any(pattern in {"*/*", wanted, wanted.split("/")[0] + "/*"} for pattern in binary_media_types)


def _body(request: Request, binary_media_types: Sequence[str]) -> dict[str, Any]:
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    if is_binary(request.header("content-type"), binary_media_types):
        return {"body": b64encode(request.body).decode("ascii"), "isBase64Encoded": True}
    return {"body": request.body.decode(errors="replace"), "isBase64Encoded": False}


def _request_context(request: Request, match: Match, owner: Owner | None) -> dict[str, Any]:
    now = time.time()
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "deploymentId": "local",
        "domainName": request.host,
        "domainPrefix": request.host.split(".")[0],
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": _identity(request, owner),
        "path": request.path,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": match.route.path,
        "stage": STAGE,
    }


def _identity(request: Request, owner: Owner | None) -> dict[str, str | None]:
    return {
        "accessKey": None,
        "accountId": ACCOUNT_ID if owner else None,
        "caller": owner.user if owner else None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": "127.0.0.1",
        "user": owner.user if owner else None,
        "userAgent": request.header("user-agent") or None,
        "userArn": owner.arn if owner else None,
    }


def _forwarded_headers(request: Request) -> list[tuple[str, str]]:
    sources = [*filter(None, [request.header("x-forwarded-for")]), "127.0.0.1"]
    return [
        ("X-Forwarded-For", ", ".join(sources)),
        ("X-Forwarded-Port", str(request.port)),
        ("X-Forwarded-Proto", "http"),
    ]


def _group_values(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _last_values(values: dict[str, list[str]]) -> dict[str, str]:
    return {name: group[-1] for name, group in values.items()}
