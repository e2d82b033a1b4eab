"""The picture in the README. `make picture` takes it anew; here it is only taken, so that the target keeps working."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.console.conftest import Open
from tests.e2e.console.picture import BILL, OTHERS, REMEMBER

pytestmark = pytest.mark.chromium


def test_the_readmes_picture_can_be_taken(open_console: Open, tmp_path: Path) -> None:
    console = open_console(viewport={"width": 1320, "height": 700}, color_scheme="light")
    for prompt in OTHERS:
        console.ask(prompt)
        console.page.keyboard.press("Alt+n")
    console.ask(REMEMBER)
    console.ask(BILL)
    console.page.locator("details.tool summary").last.click()
    console.button("Details").click()
    expect(console.page.get_by_label("Agent’s state")).to_contain_text("allergic to nuts")
    expect(console.sessions).to_have_count(4)
    console.page.locator("#thread").evaluate("thread => thread.scrollTop = thread.scrollHeight")
    picture = Path(os.environ.get("CONSOLE_PICTURE") or tmp_path / "console.png")
    console.page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000
