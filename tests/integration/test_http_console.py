"""The console's files, as the API serves them."""

import hashlib
import re
from collections.abc import Iterator

import pytest

from api.operations.console import FOLDER
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


def test_the_page_names_only_files_that_are_served(api: HttpApi) -> None:
    page = get(api, "/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    named = set(re.findall(r'(?:href|src)="(?!#)([^"]+)"', page.body))
    assert len(named) > 3
    for name in named:
        assert get(api, "/console/{file}", file=name.removeprefix("console/")).status == 200


def test_every_module_imports_only_files_that_are_served(api: HttpApi) -> None:
    for module in FOLDER.glob("*.js"):
        for imported in re.findall(r'from "\./([^"]+)"', module.read_text()):
            folder, _, file = imported.rpartition("/")
            resource = "/console/vendor/{file}" if folder == "vendor" else "/console/{file}"
            assert get(api, resource, file=file).status == 200, f"{module.name} imports {imported}"


def test_nothing_runs_or_is_loaded_but_the_consoles_own(api: HttpApi) -> None:
    page = get(api, "/")
    assert directive(page, "default-src") == "'none'"
    assert directive(page, "script-src") == directive(page, "style-src") == directive(page, "connect-src") == "'self'"
    assert directive(page, "require-trusted-types-for") == "'script'"
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?://", page.body)


@pytest.mark.parametrize("file", ["../routes.py", "routes.py", "..%2froutes.py", "/etc/passwd", "vendor", "README.md"])
def test_no_other_file_is_served(api: HttpApi, file: str) -> None:
    for resource in ("/console/{file}", "/console/vendor/{file}"):
        assert get(api, resource, file=file).code == "route_not_found"


def test_a_file_that_the_browser_has_is_not_sent_again(api: HttpApi) -> None:
    first = get(api, "/console/{file}", file="main.js")
    again = api.call("GET", "/console/{file}", file="main.js", headers={"if-none-match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, "")


def test_an_address_without_its_slash_leads_to_the_one_with_it(api: HttpApi) -> None:
    event = event_of("GET", "/", None, "", {})
    event["requestContext"]["path"] = "/v1"
    answer = api.send(event)
    assert (answer.status, answer.headers["Location"]) == (308, "/v1/")


def test_the_page_is_told_where_to_sign_in(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(api, "/console/config.json").json == {"sign_in": None}
    monkeypatch.setenv("SIGN_IN_URL", SIGN_IN_URL)
    monkeypatch.setenv("SIGN_IN_CLIENT_ID", "client")
    api.handlers = {"sessions": load_handler("sessions")}
    assert get(api, "/console/config.json").json == {"sign_in": {"url": SIGN_IN_URL, "client_id": "client"}}
    assert directive(get(api, "/"), "connect-src") == f"'self' {SIGN_IN_URL}"


def test_vendored_files_are_their_packages_own() -> None:
    listed = (FOLDER / "vendor/README.md").read_text()
    files = [path for path in (FOLDER / "vendor").iterdir() if path.name != "README.md"]
    assert len(files) == 4
    for path in files:
        assert f"`{path.name}` | `{hashlib.sha256(path.read_bytes()).hexdigest()}`" in listed, path.name
