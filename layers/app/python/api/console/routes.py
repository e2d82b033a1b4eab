"""The console's own files. They hold nothing of anybody: what the page shows, it asks the API for as its caller."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from api.app import Api
from api.errors import RouteNotFoundError
from api.request import Request
from api.responses import json_response
from api.settings import Settings

FOLDER = Path(__file__).parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


class ConsoleRoutes:
    def __init__(self, settings: Settings) -> None:
        self._sign_in_url, self._client_id = settings.sign_in_url, settings.sign_in_client_id
        # Only these names are served, whatever a path says.
        files = (path for path in FOLDER.rglob("*") if path.suffix in MEDIA_TYPES)
        self._files = {path.relative_to(FOLDER).as_posix(): path for path in files}

    def add_to(self, api: Api) -> None:
        api.route("GET", "/", self.page)
        api.route("GET", "/console/config.json", self.configuration)
        api.route("GET", "/console/{file}", self.file)
        api.route("GET", "/console/vendor/{file}", self.vendored_file)

    def page(self, request: Request) -> Response[str]:
        """The page's addresses are relative, so its own must end in a slash: `…/v1` is sent to `…/v1/`."""
        path = str(request.event["requestContext"].get("path") or "/")
        if path.endswith("/"):
            return self._answer("index.html", request)
        return Response(int(HTTPStatus.PERMANENT_REDIRECT), body="", headers={"Location": f"{path}/"})

    def configuration(self, _: Request) -> Response[str]:
        """How to sign in; null where the caller is known without it, as on one's own machine."""
        sign_in = {"url": self._sign_in_url, "client_id": self._client_id} if self._sign_in_url else None
        return json_response({"sign_in": sign_in})

    def file(self, request: Request) -> Response[str]:
        return self._answer(request.identifier("file"), request)

    def vendored_file(self, request: Request) -> Response[str]:
        return self._answer(f"vendor/{request.identifier('file')}", request)

    def _answer(self, name: str, request: Request) -> Response[str]:
        path = self._files.get(name)
        if path is None:
            raise RouteNotFoundError
        text = path.read_text(encoding="utf-8")
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", **self._security_headers()}
        if tag in (request.header("If-None-Match") or ""):
            return Response(int(HTTPStatus.NOT_MODIFIED), body="", headers=headers)
        return Response(int(HTTPStatus.OK), MEDIA_TYPES[path.suffix], text, headers=headers)

    def _security_headers(self) -> Mapping[str, str]:
        """Nothing runs, and nothing is loaded or told, but by this API and by where one signs in."""
        policy = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self'",
            "connect-src": f"'self' {self._sign_in_url or ''}".strip(),
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
