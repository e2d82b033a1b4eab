"""The console in Debian's Chromium, on the local gateway, real functions and a real database."""

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg import sql

from local.database import EmbeddedDatabase
from local.gateway import Gateway
from local.gateway.event import Owner
from local.gateway.limits import Limits
from tests.e2e.console.console import Console
from tests.e2e.console.hostile import HOSTILE
from tests.e2e.console.picture import PICTURE

# Without the last ones it looks for Google's hosts at every start.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Open = Callable[..., Console]
# A page asks for its parts at once; on a busy machine the processes that answer may take longer than a laptop's wait.
PATIENT = Limits(throttle_seconds=60)

_owners = itertools.count()


# Ended with the last of these tests: while Playwright lives, its event loop runs on the thread of every other test.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("Chromium is not on this machine")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def console_database_url(postgresql_server: EmbeddedDatabase, template_database: str) -> str:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        template = sql.Identifier(template_database)
        connection.execute(sql.SQL("CREATE DATABASE console TEMPLATE {} STRATEGY wal_log").format(template))
    return postgresql_server.url.rpartition("/")[0] + "/console"


@pytest.fixture(scope="package")
def gateway(console_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for all that needs nothing special: its processes take seconds to start."""
    script = tmp_path_factory.mktemp("script") / "script.json"
    script.write_text(json.dumps({name: f"say: {text}" for name, text in HOSTILE.items()} | PICTURE))
    variables = {**environment(console_database_url), "SCRIPTED_MODEL_SCRIPT": str(script)}
    with Gateway(variables, port=0, backend_port=0, limits=PATIENT) as it:
        yield it


def environment(database_url: str) -> dict[str, str]:
    return {
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "SEARCH": "messages",
        "MODEL_PRICES": '{"scripted": [3000, 15000]}',
        "SHOW_SYSTEM_PROMPT": "true",
    }


@pytest.fixture
def owner() -> Owner:
    """Somebody who has no session yet."""
    return Owner(f"AIDACONSOLE{next(_owners)}")


@pytest.fixture
def address(gateway: Gateway, owner: Owner) -> str:
    return f"http://127.0.0.1:{gateway.listen(owner=owner)}/"


@pytest.fixture
def open_console(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the page in a browser of its own, and at the end asks that none of them reported an error."""
    opened: list[Console] = []

    def open_it(at: str = address, **options: object) -> Console:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})  # type: ignore[arg-type]
        opened.append(Console(context.new_page(), at))
        return opened[-1]

    yield open_it
    errors = [error for console in opened for error in console.errors]
    for console in opened:
        console.page.context.close()
    assert errors == []


@pytest.fixture
def console(open_console: Open) -> Console:
    return open_console()


@pytest.fixture
def page(console: Console) -> Page:
    return console.page


@pytest.fixture
def go_on(tmp_path: Path) -> Callable[[int], Path]:
    """Files that the scripted model waits for, by number."""
    return lambda number: tmp_path / f"go-on-{number}"
