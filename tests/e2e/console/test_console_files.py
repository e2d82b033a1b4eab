"""Pictures and files: chosen, pasted and dropped; shown, downloaded, and refused where they are too large."""

import base64
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from local.gateway.event import Owner
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console
from tests.e2e.console.stored import open_store, store_messages

pytestmark = pytest.mark.chromium

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LARGE_PNG = PNG + bytes(2_500_000)  # two of them are more than a request takes
IS_DRAWN = "picture => picture.complete && picture.naturalWidth === 1"
# As a browser makes one when a person pastes or drops; Playwright has neither.
GIVE = """(target, [type, name, media, data]) => {
    const given = new DataTransfer();
    given.items.add(new File([Uint8Array.from(atob(data), each => each.charCodeAt(0))], name, { type: media }));
    const options = { bubbles: true, cancelable: true };
    target.dispatchEvent(type === "paste"
        ? new ClipboardEvent(type, { ...options, clipboardData: given })
        : new DragEvent(type, { ...options, dataTransfer: given }));
}"""


def give(console: Console, how: str, name: str, media_type: str, content: bytes) -> None:
    field = console.page.get_by_label("Message")
    field.evaluate(GIVE, [how, name, media_type, base64.b64encode(content).decode()])


def choose(page: Page, name: str, media_type: str, content: bytes) -> None:
    page.locator("#choose-files").set_input_files([{"name": name, "mimeType": media_type, "buffer": content}])


def named_sources(sent: list[Request]) -> list[list[str]]:
    """How the pictures of each prompt come."""
    prompts = [json.loads(request.post_data or "")["prompt"] for request in sent if "process-streaming" in request.url]
    return [[kind for block in prompt if "image" in block for kind in block["image"]["source"]] for prompt in prompts]


def wait_for_pictures(console: Console, count: int) -> None:
    pictures = console.page.locator(".attachment img")
    expect(pictures).to_have_count(count)
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        expect(picture).not_to_have_js_property("naturalWidth", 0)
        assert picture.evaluate(IS_DRAWN)


def test_files_go_with_a_message_and_come_back_from_the_history(console: Console, page: Page) -> None:
    page.locator("#choose-files").set_input_files(
        [
            {"name": "Notes (draft).md", "mimeType": "text/markdown", "buffer": b"# Notes"},
            {"name": "wrong.png", "mimeType": "image/png", "buffer": PNG},
        ]
    )
    give(console, "paste", "image.png", "image/png", PNG)
    give(console, "drop", "main.py", "text/x-python", b"print()")
    files = page.locator("#files li")
    expect(files).to_have_count(4)
    console.button("Remove wrong.png").click()
    expect(page.get_by_label("Message")).to_be_focused()
    expect(files).to_have_count(3)
    console.ask("say: seen")
    expect(files).to_have_count(0)
    wait_for_pictures(console, 1)
    with page.expect_download() as download:
        console.button("Download Notes (draft)").click()
    assert Path(download.value.path()).read_bytes() == b"# Notes"

    page.reload()
    wait_for_pictures(console, 1)
    with page.expect_response("**/process-streaming"):
        page.locator(".history").get_by_role("button", name="Ask again").press("Enter")
    console.wait_until_idle()
    expect(page.locator(".live")).to_have_count(0)
    expect(page.locator(".history .attachment")).to_have_count(3)
    page.locator(".history").get_by_role("button", name="Edit").press("Enter")
    expect(files).to_have_count(3)
    expect(page.get_by_label("Message")).to_have_value("say: seen")


def test_what_no_model_reads_or_no_request_takes_is_refused_in_words(console: Console, page: Page) -> None:
    give(console, "drop", "program.exe", "application/octet-stream", b"MZ\0\xff")
    problem = page.locator("#file-problem")
    expect(problem).to_contain_text("“program.exe” is none of the files that models read")
    choose(page, "long.txt", "text/plain", b"x" * 4_600_000)
    expect(problem).to_contain_text("“long.txt” (4.6 MB) is too large: models read at most 4.5 MB of a document.")
    expect(page.locator("#files li")).to_have_count(0)
    console.ask("say: no files")
    expect(problem).to_be_empty()


def test_files_that_no_request_holds_are_uploaded(console: Console, page: Page) -> None:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    choose(page, "first.png", "image/png", LARGE_PNG)
    choose(page, "second.png", "image/png", LARGE_PNG)
    files = page.locator("#files li")
    expect(files.first).to_have_text("first.png · 2.5 MB×")
    expect(files.last).to_have_text("second.png · 2.5 MB · uploaded×")
    page.keyboard.press("Alt+n")  # an upload is for one session: for this one it is sent again
    expect(files.last).to_have_text("second.png · 2.5 MB · uploaded×")
    console.ask("say: seen")
    wait_for_pictures(console, 2)
    assert named_sources(sent) == [["bytes", "upload"]]
    assert [request.method for request in sent].count("PUT") == 2

    page.reload()
    wait_for_pictures(console, 2)
    with page.expect_response("**/process-streaming"):
        page.locator(".history").get_by_role("button", name="Ask again").press("Enter")
    console.wait_until_idle()
    wait_for_pictures(console, 2)
    assert named_sources(sent) == [["bytes", "upload"]] * 2


def test_an_upload_is_waited_for_and_its_failure_is_told(console: Console, page: Page) -> None:
    held: list[Route] = []
    page.route("**/*", lambda route: held.append(route) if route.request.method == "PUT" else route.fallback())
    choose(page, "long.txt", "text/plain", b"x" * 4_200_000)
    expect(page.locator("#files li")).to_contain_text(re.compile(r"long\.txt · 4\.2 MB · uploading, \d+ %"))
    console.say("say: too early")
    expect(page.get_by_text("“long.txt” is still being uploaded.")).to_be_visible()
    expect(console.said).to_have_count(0)
    held[0].abort()
    problem = page.locator("#file-problem")
    expect(problem).to_have_text("“long.txt” could not be uploaded: The connection broke off.")
    expect(page.locator("#files li")).to_have_count(0)
    expect(page.get_by_label("Message")).to_have_value("say: too early")


def test_a_service_without_uploads_takes_what_one_request_holds(console: Console, page: Page) -> None:
    def take_no_uploads(route: Route) -> None:
        answer = route.fetch()
        settings = r"&quot;upload_origin&quot;: &quot;[^&]*&quot;"
        route.fulfill(response=answer, body=re.sub(settings, "&quot;upload_origin&quot;: null", answer.text()))

    page.route(console.address, take_no_uploads)
    page.reload()
    choose(page, "long.txt", "text/plain", b"x" * 4_200_000)
    problem = page.locator("#file-problem")
    expect(problem).to_contain_text("“long.txt” (4.2 MB) does not fit: the files of a message have at most 3.9 MB")


def test_pictures_that_tools_answer_are_shown(
    open_console: Open, address: str, owner: Owner, console_database_url: str
) -> None:
    picture = {"image": {"format": "png", "source": {"bytes": PNG}}}
    result = {"toolUseId": "1", "status": "success", "content": [{"text": "A chart:"}, picture]}
    messages = [
        {"role": "user", "content": [{"text": "Draw"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "draw", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": result}]},
        {"role": "assistant", "content": [{"text": "There."}]},
    ]
    with open_store(console_database_url) as store:
        store_messages(store, f"iam:{owner.user}", "drawn", messages)
    console = open_console(f"{address}#/drawn")
    console.page.locator("details.tool summary").click()
    wait_for_pictures(console, 1)
    expect(console.page.get_by_label("Result of draw")).to_have_text("A chart:")
