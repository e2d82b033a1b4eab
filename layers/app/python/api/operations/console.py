"""The console: a page and its script. They hold nothing of anybody: what the page shows, it asks the API for."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

from api.call import Call
from api.console.assembly import Assembly, assemble
from api.content_blocks import KINDS
from api.operation import Operation
from api.parameters import query_text
from api.response import Response
from api.settings import Settings
from api.uploads import find_upload_origin

VERSION = query_text("version", "Of the script, as the page names it.")
THEMES = ("light", "dark")


def show_page(call: Call) -> Response:
    """The page's addresses are relative, so its own must end in a slash: `…/v1` is sent to `…/v1/`."""
    path = call.request.path
    if not path.endswith("/"):
        return Response(HTTPStatus.PERMANENT_REDIRECT, {"Location": f"{path}/"})
    assembly = assemble()
    upload_origin = find_upload_origin(call.settings)
    settings = escape(json.dumps({**_describe(call.settings), "upload_origin": upload_origin}))
    text = assembly.page.substitute(settings=settings, theme=_theme(call.header("Cookie")))
    called = [origin for origin in (call.settings.sign_in_url, upload_origin) if origin]
    headers = {"Cache-Control": "no-cache", **_security_headers(called, assembly)}
    return _send(call, text, "text/html; charset=utf-8", headers)


def read_script(call: Call) -> Response:
    """Kept for a year under its version, and under another one, which a deployment has replaced, not at all."""
    assembly = assemble()
    is_current = call[VERSION] == assembly.version
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    return _send(call, assembly.script, "text/javascript; charset=utf-8", headers)


def _describe(settings: Settings) -> Mapping[str, object]:
    """What the page must know before it asks. sign_in: null where the caller is known without, as on a laptop."""
    url, client_id = settings.sign_in_url, settings.sign_in_client_id
    return {
        "sign_in": {"url": url, "client_id": client_id} if url else None,
        "max_body_bytes": settings.max_body_bytes,
        "callers": dict(settings.console_callers),
        "formats": {name: list(kind.formats) for name, kind in KINDS.items()},
        "max_file_bytes": {name: kind.max_bytes for name, kind in KINDS.items()},
    }


def _theme(cookie: str | None) -> str:
    """The one chosen, so that the first thing one sees has its colors; else the system's."""
    try:
        chosen = SimpleCookie(cookie or "").get("theme")
    except CookieError:
        return "system"
    return chosen.value if chosen and chosen.value in THEMES else "system"


def _send(call: Call, text: str, media_type: str, headers: Mapping[str, str]) -> Response:
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, **headers}
    if tag in (call.header("If-None-Match") or ""):
        return Response(HTTPStatus.NOT_MODIFIED, headers)
    return Response(HTTPStatus.OK, {**headers, "Content-Type": media_type}, text)


def _security_headers(called: Sequence[str], assembly: Assembly) -> Mapping[str, str]:
    """Nothing runs or is loaded but from this API; of other origins, `called` are called: sign-in pages and uploads."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'sha256-{assembly.style_hash}'",
        "img-src": "data: blob:",  # the icon; pictures of messages, once the script has read them as the caller
        "connect-src": " ".join(["'self'", *called]),
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
        operation_id="consoleScript",
        method="GET",
        path="/console/console.js",
        handle=read_script,
        access="public",
        parameters=[VERSION],
    ),
)
