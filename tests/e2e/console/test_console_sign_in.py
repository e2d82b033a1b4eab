"""Signing in, against a stand-in for Cognito's hosted pages that keeps their rules: one code, PKCE, exact addresses."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Request, expect

from local.gateway import Gateway
from tests.e2e.console.conftest import PATIENT, Open, environment

pytestmark = pytest.mark.chromium

CLIENT_ID = "console"


class HostedPages(ThreadingHTTPServer):
    """docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html"""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.asked: dict[str, dict[str, str]] = {}  # authorization requests by their code
        self.grants: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Endpoint(BaseHTTPRequestHandler):
    server: HostedPages

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, _values(urlsplit(self.path).query)
        if path == "/logout":
            return self._redirect(query["logout_uri"])
        assert path == "/oauth2/authorize"
        assert (query["response_type"], query["client_id"], query["scope"]) == ("code", CLIENT_ID, "openid")
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self.server.asked[code] = query
        return self._redirect(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")

    def do_POST(self) -> None:
        form = _values(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.grants.append(form["grant_type"])
        granted = form["client_id"] == CLIENT_ID and self._grants(form)
        tokens = {"id_token": f"id-{len(self.server.grants)}", "refresh_token": "refresh", "expires_in": 3600}
        self.send_response(200 if granted else 400)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(json.dumps(tokens if granted else {"error": "invalid_grant"}).encode())

    def _grants(self, form: dict[str, str]) -> bool:
        if form["grant_type"] == "refresh_token":
            return form["refresh_token"] == "refresh"
        asked = self.server.asked.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return asked is not None and (asked["code_challenge"], asked["redirect_uri"]) == (
            challenge,
            form["redirect_uri"],
        )

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


def _values(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture(scope="module")
def hosted_pages() -> Iterator[HostedPages]:
    with HostedPages() as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield pages
        pages.shutdown()


@pytest.fixture(scope="module")
def gateway(console_database_url: str, hosted_pages: HostedPages) -> Iterator[Gateway]:
    sign_in = {"SIGN_IN_URL": hosted_pages.url, "SIGN_IN_CLIENT_ID": CLIENT_ID}
    variables = {**environment(console_database_url), **sign_in}
    with Gateway(variables, port=0, backend_port=0, limits=PATIENT) as running:
        yield running


def test_nothing_is_asked_of_the_api_before_one_signs_in_and_all_of_it_as_the_caller_afterwards(
    open_console: Open, hosted_pages: HostedPages
) -> None:
    console = open_console()
    expect(console.button("Sign in")).to_be_focused()
    called: list[Request] = []
    console.page.on("request", lambda request: called.append(request))
    console.button("Sign in").click()
    expect(console.button("Sign out")).to_be_visible()
    assert "code=" not in console.page.url
    console.ask("say: hello")
    to_api = [request for request in called if urlsplit(request.url).path.startswith(("/sessions", "/process"))]
    assert len(to_api) > 2
    assert {request.headers["authorization"] for request in to_api} == {f"id-{len(hosted_pages.grants)}"}

    console.button("Sign out").click()
    expect(console.button("Sign in")).to_be_visible()
    assert "hello" not in console.page.content()


def test_a_token_that_ran_out_is_renewed_without_asking(open_console: Open, hosted_pages: HostedPages) -> None:
    console = open_console()
    console.button("Sign in").click()
    expect(console.button("Sign out")).to_be_visible()
    refused = {"status": 401, "json": {"code": "unauthorized", "detail": "expired"}}
    console.page.route("**/process-streaming", lambda route: route.fulfill(**refused), times=1)
    console.ask("say: still here")
    expect(console.answers).to_have_text("still here")
    assert hosted_pages.grants[-1] == "refresh_token"


def test_one_stays_signed_in_while_the_sign_in_is_away(open_console: Open) -> None:
    console = open_console()
    console.button("Sign in").click()
    expect(console.button("Sign out")).to_be_visible()
    refused = {"status": 401, "json": {"code": "unauthorized", "detail": "expired"}}
    console.page.route("**/process-streaming", lambda route: route.fulfill(**refused), times=1)
    console.page.route("**/oauth2/token", lambda route: route.abort(), times=1)
    console.say("say: still here")
    expect(console.problem).to_have_accessible_name("No connection")
    console.button("Try again").click()
    expect(console.answers).to_have_text("still here")


def test_an_answer_to_a_sign_in_that_this_tab_did_not_begin_is_ignored(
    open_console: Open, address: str, hosted_pages: HostedPages
) -> None:
    before = len(hosted_pages.grants)
    console = open_console(f"{address}?code=stolen&state=forged")
    expect(console.button("Sign in")).to_be_visible()
    assert len(hosted_pages.grants) == before
