"""The console's files, as the API serves them."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.console.assembly import FOLDER, assemble
from api.uploads.folder import ADDRESS
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import Answer, HttpApi, event_of, load_handler

SIGN_IN_URL = "https://sign-in.example"


@pytest.fixture
def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    yield HttpApi(sessions=load_handler("sessions"))
    open_store(StoreSettings(url=database_url)).close()


def get(api: HttpApi, resource: str, **more: str) -> Answer:
    return api.call("GET", resource, user=None, **more)


def directive(answer: Answer, name: str) -> str | None:
    found = re.search(rf"(?:^|; ){name} ([^;]*)", answer.headers["Content-Security-Policy"])
    return found and found[1]


def read_script(api: HttpApi, version: str) -> Answer:
    return api.call("GET", "/console/console.js", user=None, query=f"version={version}")


def named_version(page: Answer) -> str:
    return re.findall(r'src="console/console.js\?version=([^"]+)"', page.body)[0]


def test_the_page_names_its_script_alone(api: HttpApi) -> None:
    page = get(api, "/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    named = set(re.findall(r'(?:href|src)="(?!#|data:)([^"]+)"', page.body))
    assert named == {f"console/console.js?version={named_version(page)}"}


def test_the_script_has_every_module_once_and_after_those_that_it_imports() -> None:
    joined = re.findall(r'^modules\["([^"]+)"\] = ', assemble().script, re.MULTILINE)
    assert sorted(joined) == sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js"))
    for module in FOLDER.glob("*.js"):
        for imported in re.findall(r'from "\./([^"]+)"', module.read_text()):
            assert joined.index(imported) < joined.index(module.name)
    assert not re.search(r"^(import|export)\b", assemble().script, re.MULTILINE)


def test_the_script_is_kept_under_its_version_and_no_other(api: HttpApi) -> None:
    version = named_version(get(api, "/"))
    current, replaced = read_script(api, version), read_script(api, "0123456789abcdef")
    assert current.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert replaced.headers["Cache-Control"] == "no-cache"
    assert current.body == replaced.body


def test_nothing_runs_or_is_loaded_but_the_consoles_own(api: HttpApi) -> None:
    page = get(api, "/")
    assert directive(page, "default-src") == "'none'"
    assert directive(page, "script-src") == directive(page, "connect-src") == "'self'"
    (style,) = re.findall(r"<style>(.*?)</style>", page.body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert directive(page, "style-src") == f"'sha256-{digest}'"
    assert directive(page, "img-src") == "data: blob:"
    assert directive(page, "require-trusted-types-for") == "'script'"
    outside = page.body.replace(style, "")
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|https?://", outside)
    assert not re.search(r"url\(|@import", style)


def test_a_page_that_the_browser_has_is_not_sent_again(api: HttpApi) -> None:
    first = get(api, "/")
    again = api.call("GET", "/", user=None, headers={"if-none-match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, "")


@pytest.mark.parametrize(
    ("cookie", "theme"),
    [("theme=dark", "dark"), ("a=b; theme=light", "light"), ('theme="><script>', "system"), (None, "system")],
)
def test_the_page_comes_in_the_theme_that_was_chosen(api: HttpApi, cookie: str | None, theme: str) -> None:
    page = api.call("GET", "/", user=None, headers={"cookie": cookie} if cookie else {})
    assert f'<html lang="en" data-theme="{theme}">' in page.body


def test_an_address_without_its_slash_leads_to_the_one_with_it(api: HttpApi) -> None:
    event = event_of("GET", "/", None, "", {})
    event["requestContext"]["path"] = "/v1"
    answer = api.send(event)
    assert (answer.status, answer.headers["Location"]) == (308, "/v1/")


def read_settings(page: Answer) -> dict[str, Any]:
    return json.loads(html.unescape(re.findall(r'<meta name="settings" content="([^"]*)"', page.body)[0]))


def test_the_page_knows_where_to_sign_in_and_what_a_message_may_have(
    api: HttpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings(get(api, "/"))
    assert settings["sign_in"] is None
    assert settings["max_body_bytes"] == 5 * 1024 * 1024
    assert "png" in settings["formats"]["image"]
    monkeypatch.setenv("SIGN_IN_URL", SIGN_IN_URL)
    monkeypatch.setenv("SIGN_IN_CLIENT_ID", "client")
    api.handlers = {"sessions": load_handler("sessions")}
    page = get(api, "/")
    assert read_settings(page)["sign_in"] == {"url": SIGN_IN_URL, "client_id": "client"}
    assert directive(page, "connect-src") == f"'self' {SIGN_IN_URL}"


def test_the_page_may_send_uploads_to_their_place_alone(
    api: HttpApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert read_settings(get(api, "/"))["upload_origin"] is None
    (tmp_path / ADDRESS).write_text("http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for variable, value, origin in (
        ("UPLOAD_FOLDER", str(tmp_path / "none"), None),
        ("UPLOAD_FOLDER", str(tmp_path), "http://127.0.0.1:4566"),
        ("UPLOAD_BUCKET", "uploads", "https://uploads.s3.eu-central-1.amazonaws.com"),
    ):
        monkeypatch.setenv(variable, value)
        api.handlers = {"sessions": load_handler("sessions")}
        page = get(api, "/")
        assert read_settings(page)["upload_origin"] == origin
        assert directive(page, "connect-src") == " ".join(filter(None, ["'self'", origin]))


def test_vendored_files_are_their_packages_own() -> None:
    listed = (FOLDER / "vendor/README.md").read_text()
    files = [path for path in (FOLDER / "vendor").iterdir() if path.name != "README.md"]
    assert len(files) == 6
    for path in files:
        assert f"`{path.name}` | `{hashlib.sha256(path.read_bytes()).hexdigest()}`" in listed, path.name
