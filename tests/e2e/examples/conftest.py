"""The pages of examples/ as `npm start` serves them, from an origin of their own, before the API on another."""

import logging
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from infra_cdk import NODE
from infra_cdk.node import install
from local.gateway import Gateway

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def open_example(shared_database_url: str) -> Iterator[Callable[[str], Page]]:
    """Opens the page of the example of that name."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("Chromium is not on this machine")
    with ExitStack() as opened:

        def open_example(name: str) -> Page:
            port = _free_port()
            environment = {
                "SESSION_BACKEND_URL": shared_database_url,
                "MODEL_PROVIDER": "tests.support.scripted_model:build",
                "CORS_ORIGINS": f"http://127.0.0.1:{port}",
            }
            gateway = opened.enter_context(Gateway(environment, port=0, backend_port=0))
            opened.enter_context(_serving(ROOT / "examples" / name, port, gateway.url))
            playwright = opened.enter_context(sync_playwright())
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            opened.callback(browser.close)
            page = browser.new_page()
            page.on("pageerror", lambda error: logger.error("page: %s", error))
            page.goto(f"http://127.0.0.1:{port}", timeout=180_000)  # the first visit bundles what the page imports
            return page

        yield open_example


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def _serving(example: Path, port: int, api: str) -> Generator[None]:
    install(example)
    command = [NODE, "node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    environment = {**os.environ, "VITE_API": api}
    with subprocess.Popen(command, cwd=example, env=environment, stdout=subprocess.PIPE, text=True) as vite:
        assert vite.stdout is not None
        assert any("Local" in line for line in vite.stdout), "vite did not start"
        yield
        vite.terminate()
