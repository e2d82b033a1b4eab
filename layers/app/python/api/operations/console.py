"""The console's own files. They hold nothing of anybody: what the page shows, it asks the API for as its caller."""

import hashlib
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path

from api.call import Call
from api.errors import RouteNotFoundError
from api.operation import Operation
from api.parameters import path_identifier
from api.response import Response, json_response

FOLDER = Path(__file__).parents[1] / "console" / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}
FILE = path_identifier("file", "One of the console's files.")


def show_page(call: Call) -> Response:
    """The page's addresses are relative, so its own must end in a slash: `…/v1` is sent to `…/v1/`."""
    path = call.request.path
    if path.endswith("/"):
        return _send_file("index.html", call)
    return Response(HTTPStatus.PERMANENT_REDIRECT, {"Location": f"{path}/"})


def read_configuration(call: Call) -> Response:
    """How to sign in; null where the caller is known without it, as on one's own machine."""
    url, client_id = call.settings.sign_in_url, call.settings.sign_in_client_id
    return json_response({"sign_in": {"url": url, "client_id": client_id} if url else None})


def read_file(call: Call) -> Response:
    return _send_file(call[FILE], call)


def read_vendored_file(call: Call) -> Response:
    return _send_file(f"vendor/{call[FILE]}", call)


def _send_file(name: str, call: Call) -> Response:
    path = _files().get(name)
    if path is None:
        raise RouteNotFoundError
    text = path.read_text(encoding="utf-8")
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", **_security_headers(call.settings.sign_in_url)}
    if tag in (call.header("If-None-Match") or ""):
        return Response(HTTPStatus.NOT_MODIFIED, headers)
    return Response(HTTPStatus.OK, {**headers, "Content-Type": MEDIA_TYPES[path.suffix]}, text)


@cache
def _files() -> Mapping[str, Path]:
    """Only these names are served, whatever a path says."""
    files = (path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES)
    return {path.relative_to(FOLDER).as_posix(): path for path in files}


def _security_headers(sign_in_url: str | None) -> Mapping[str, str]:
    """Nothing runs, is loaded or is called but from this API and from the sign-in pages."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self' {sign_in_url or ''}".strip(),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "dompurify",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


OPERATIONS = (
    Operation(operation_id="consolePage", method="GET", path="/", handle=show_page, access="public"),
    Operation(
        operation_id="consoleConfiguration",
        method="GET",
        path="/console/config.json",
        handle=read_configuration,
        access="public",
    ),
    Operation(
        operation_id="consoleFile",
        method="GET",
        path="/console/{file}",
        handle=read_file,
        access="public",
        parameters=[FILE],
    ),
    Operation(
        operation_id="consoleVendoredFile",
        method="GET",
        path="/console/vendor/{file}",
        handle=read_vendored_file,
        access="public",
        parameters=[FILE],
    ),
)
