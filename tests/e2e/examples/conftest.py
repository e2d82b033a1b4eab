"""The pages of examples/, built and served from an origin of their own, before the API on another."""

import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from infra_cdk import NODE
from infra_cdk.node import install
from local.gateway import Gateway

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[3]


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def _serving(folder: Path) -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_example(shared_database_url: str, tmp_path: Path) -> Iterator[Callable[[str], Page]]:
    """Builds the example of that name, and opens its page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not on this machine")
    with ExitStack() as opened:

        def open_example(name: str) -> Page:
            origin = opened.enter_context(_serving(tmp_path))
            environment = {
                "SESSION_BACKEND_URL": shared_database_url,
                "MODEL_PROVIDER": "tests.support.scripted_model:build",
                "CORS_ORIGINS": origin,
            }
            gateway = opened.enter_context(Gateway(environment, port=0, backend_port=0))
            _build(ROOT / "examples" / name, tmp_path, gateway.url)
            playwright = opened.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            opened.callback(browser.close)
            page = browser.new_page()
            page.on("pageerror", lambda error: logger.error("page: %s", error))
            page.goto(origin)
            return page

        yield open_example


def _build(example: Path, folder: Path, api: str) -> None:
    install(example)
    command = [NODE, "node_modules/vite/bin/vite.js", "build", "--outDir", folder, "--emptyOutDir", "--logLevel=error"]
    subprocess.run(command, cwd=example, env={**os.environ, "VITE_API": api}, check=True)
