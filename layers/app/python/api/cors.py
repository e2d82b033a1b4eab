"""Which pages of other origins may call, by CORS: fetch.spec.whatwg.org/#http-cors-protocol.

Callers prove who they are by a header that a page sets itself, so no cookie is ever asked for.
"""

from collections.abc import Collection, Mapping

MAXIMUM_AGE_SECONDS = 3600
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "End-User",
    "Idempotency-Key",
    "Last-Event-ID",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Api-Key",
)
RESPONSE_HEADERS = ("Link", "Location", "Retry-After", "Run-Id", "Session-Id", "X-Vercel-AI-UI-Message-Stream")


def response_headers(origins: Collection[str], origin: str | None) -> dict[str, str]:
    """Of every answer, errors included; `Vary` keeps caches from giving one origin's to another."""
    if not origins:
        return {}
    if origin is None or origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": ", ".join(RESPONSE_HEADERS),
        "Vary": "Origin",
    }


def preflight_headers(origins: Collection[str], origin: str | None) -> dict[str, str]:
    if origin is None or origin not in origins:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": ", ".join(REQUEST_HEADERS),
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Max-Age": str(MAXIMUM_AGE_SECONDS),
        "Vary": "Origin",
    }


def is_preflight(method: str, headers: Mapping[str, object]) -> bool:
    """headers: by name in lower case."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
