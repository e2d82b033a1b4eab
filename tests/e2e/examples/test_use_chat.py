"""The page of examples/use-chat in Chromium, from an origin of its own: `make test-examples`."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from infra_cdk import NODE
from infra_cdk.node import install
from local.gateway import Gateway

pytestmark = pytest.mark.examples
ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples/use-chat"


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The built page on a port of its own, and the API on another."""
    folder = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    environment = {
        "SESSION_BACKEND_URL": shared_database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "CORS_ORIGINS": origin,
    }
    with Gateway(environment, port=0, backend_port=0) as gateway:
        install(EXAMPLE)
        build = [
            NODE,
            "node_modules/vite/bin/vite.js",
            "build",
            "--outDir",
            folder,
            "--emptyOutDir",
            "--logLevel=error",
        ]
        subprocess.run(build, cwd=EXAMPLE, env={**os.environ, "VITE_API": gateway.url}, check=True)
        yield origin
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(site: str) -> Iterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(site)
        yield page
        browser.close()


def say(page: Page, words: str) -> None:
    page.get_by_label("Message").fill(words)
    page.get_by_role("button", name="Send").click()


def test_a_page_talks_is_loaded_again_and_asks_for_approval(page: Page) -> None:
    answers = page.locator('section[data-role="assistant"]')
    say(page, "say: Hello from another origin")
    expect(answers.last).to_have_text("Hello from another origin")
    page.reload()
    expect(answers).to_have_count(1)
    expect(answers.last).to_have_text("Hello from another origin")
    say(page, 'tool: delete_file {"name": "a.txt"}')
    page.get_by_role("button", name="Yes").click()
    expect(answers.last).to_contain_text("Result: kept")  # that tool takes the word "yes" alone
    say(page, "fail: secret words")
    expect(page.get_by_role("alert")).to_contain_text("model")
