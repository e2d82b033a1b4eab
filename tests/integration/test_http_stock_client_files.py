"""Files in the prompts of stock clients: as content, as uploads, and by their place in the session; at both edges."""

import base64
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.uploads.folder import ADDRESS, FolderUploads
from tests.integration.stock_clients import chat, events, open_api, run, said
from tests.support.http_api import ALICE, BOB, Answer, HttpApi

DOT = b"GIF89a" + bytes(32)
TEXT = {"type": "text", "text": "say: seen"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uploads")
    (folder / ADDRESS).write_text("http://127.0.0.1:1")
    return folder


@pytest.fixture(scope="module", params=["api_gateway", "asgi"])
def api(request: pytest.FixtureRequest, shared_database_url: str, folder: Path) -> Iterator[HttpApi]:
    with open_api(request.param, shared_database_url, UPLOAD_FOLDER=str(folder)) as api:
        yield api


@pytest.fixture
def thread(request: pytest.FixtureRequest, api: HttpApi) -> str:
    return f"{api.edge} {request.node.name}"[:200]


Upload = Callable[..., str]


@pytest.fixture
def upload(api: HttpApi, folder: Path, thread: str) -> Upload:
    """Upload a GIF, as the server of the folder would take it; returns its id."""
    resource = "/sessions/{session_id}/uploads"
    uploads = FolderUploads(folder)

    def upload(content: bytes = DOT, session_id: str = thread) -> str:
        body = {"format": "gif", "size_bytes": len(content)}
        made = api.call("POST", resource, body=body, session_id=session_id).json
        ticket = uploads.find_ticket(made["url"].rpartition("/")[2])
        assert ticket
        uploads.write(ticket.key, content)
        return made["upload_id"]

    return upload


def ask_by_source(api: HttpApi, thread: str, upload_id: str, user: str = ALICE, provider: str | None = None) -> Answer:
    """Of AG-UI 1.0; without a text, as an image needs none."""
    source = {"type": "file", "value": upload_id, "mimeType": "image/gif", "provider": provider}
    return run(api, thread, said([TEXT, {"type": "image", "source": source}]), user=user)


def ask_by_id(api: HttpApi, thread: str, upload_id: str, user: str = ALICE) -> Answer:
    """Of AG-UI's versions before 1.0."""
    return run(api, thread, said([TEXT, {"type": "binary", "mimeType": "image/gif", "id": upload_id}]), user=user)


def ask_by_reference(
    api: HttpApi, thread: str, upload_id: str, user: str = ALICE, provider: str = "session-store"
) -> Answer:
    """Of Vercel's AI SDK, with the address by which a page shows the file."""
    file = {"type": "file", "mediaType": "image/gif", "url": "blob:http://localhost/1"}
    return chat(api, thread, TEXT, {**file, "providerReference": {"openai": "file-1", provider: upload_id}}, user=user)


Ask = Callable[..., Answer]
FORMS = [
    (ask_by_source, "messages[0].content[1].source.value"),
    (ask_by_id, "messages[0].content[1].id"),
    (ask_by_reference, "messages[0].parts[1].providerReference.session-store"),
]


@pytest.mark.parametrize("ask", [ask for ask, _ in FORMS])
def test_an_upload_is_named_in_a_stock_clients_prompt(api: HttpApi, thread: str, upload: Upload, ask: Ask) -> None:
    answer = ask(api, thread, upload())
    assert answer.status == 200, answer.body
    assert "seen" in answer.body
    assert find_pictures(api, thread) == [{"size_bytes": len(DOT), "media_type": "image/gif"}]


@pytest.mark.parametrize(("ask", "field"), FORMS)
def test_only_ones_own_upload_of_the_same_thread_is_found(
    api: HttpApi, thread: str, upload: Upload, ask: Ask, field: str
) -> None:
    others = upload(session_id=f"{thread} 2")
    for refused in (ask(api, thread, "0" * 32), ask(api, thread, others), ask(api, thread, upload(), user=BOB)):
        assert (refused.status, refused.code) == (422, "invalid_request")
        assert refused.json["errors"] == [{"field": field, "message": "names no upload of this session"}]
    assert api.call("GET", "/sessions/{session_id}", session_id=thread).status == 404  # no run began


@pytest.mark.parametrize(("ask", "field"), FORMS)
def test_an_upload_that_is_no_such_file_is_refused_by_the_clients_name(
    api: HttpApi, thread: str, upload: Upload, ask: Ask, field: str
) -> None:
    refused = ask(api, thread, upload(b"<html>"))
    assert refused.json["errors"] == [{"field": field, "message": "is no gif"}]


def test_another_providers_file_is_none_of_this_service(api: HttpApi, thread: str, upload: Upload) -> None:
    for ask, field in (
        (ask_by_source, "messages[0].content[1].source.provider"),
        (ask_by_reference, "messages[0].parts[1].url"),
    ):
        refused = ask(api, thread, upload(), provider="anthropic")
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)


def test_a_result_of_a_clients_tool_may_name_an_upload(api: HttpApi, thread: str, upload: Upload) -> None:
    tools = [{"name": "photograph", "description": "Take a picture.", "parameters": {"type": "object"}}]
    asked = events(run(api, thread, said("tool: photograph {}"), tools=tools))
    (call_id,) = [event["toolCallId"] for event in asked if event["type"] == "TOOL_CALL_START"]
    picture = {"type": "image", "source": {"type": "file", "value": upload(), "mimeType": "image/gif"}}
    result = {"id": "result", "role": "tool", "toolCallId": call_id, "content": [picture]}
    assert events(run(api, thread, result, tools=tools, run_id="run-2"))[-1]["type"] == "RUN_FINISHED"
    (block,) = read_history(api, thread)[2]["content"]
    assert block["toolResult"]["content"][0]["image"]["source"]["bytes"]["size_bytes"] == len(DOT)


def test_one_upload_in_many_results_is_read_no_more_often_than_a_request_may_hold(
    api: HttpApi, thread: str, upload: Upload
) -> None:
    source = {"type": "file", "value": upload(b"GIF89a" + bytes(3_700_000)), "mimeType": "image/gif"}
    content = [{"type": "image", "source": source}]
    results = [{"id": f"m{n}", "role": "tool", "toolCallId": f"c{n}", "content": content} for n in range(100)]
    tracemalloc.start()
    refusal = run(api, thread, *results)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.json["errors"][0]["field"] == "messages"
    assert "20000000 bytes" in refusal.body
    assert peak_bytes < 100_000_000


def test_a_long_name_of_a_document_is_cut(api: HttpApi, thread: str) -> None:
    part = {**picture_part(b"%PDF-1.4 "), "mediaType": "application/pdf", "filename": "a" * 99 + "_b.pdf"}
    part["url"] = part["url"].replace("image/gif", "application/pdf")
    words = {"type": "text", "text": "say: read"}
    assert chat(api, thread, words, part).status == 200


def test_a_refusal_names_the_part_behind_an_empty_one(api: HttpApi, thread: str) -> None:
    empty = {"type": "text", "text": ""}
    old = {"type": "binary", "mimeType": "image/gif", "data": base64.b64encode(b"<html>").decode()}
    assert run(api, thread, said([empty, old])).json["errors"][0]["field"] == "messages[0].content[1].data"
    assert chat(api, thread, empty, picture_part(b"<html>")).json["errors"][0]["field"] == "messages[0].parts[1].url"


def test_a_picture_that_is_stored_is_asked_about_again_by_its_place(api: HttpApi, thread: str) -> None:
    assert chat(api, thread, TEXT, picture_part(DOT)).status == 200
    shown = api.call("GET", "/sessions/{session_id}/ui-messages", session_id=thread).json["messages"][0]
    assert shown["parts"][-1]["url"].startswith("/sessions/")
    again = api.call("POST", "/chat", body={"id": thread, "messages": [shown], "trigger": "regenerate-message"})
    assert again.status == 200
    (snapshots,) = [event for event in events(run(api, thread)) if event["type"] == "MESSAGES_SNAPSHOT"]
    snapshot = snapshots["messages"][0]
    assert snapshot["content"][-1]["source"]["type"] == "url"
    assert events(run(api, thread, snapshot))[-1]["type"] == "RUN_FINISHED"
    assert [picture["size_bytes"] for picture in find_pictures(api, thread)] == [len(DOT)]


def test_a_picture_of_another_session_or_owner_is_not(api: HttpApi, thread: str) -> None:
    assert chat(api, thread, TEXT, picture_part(DOT)).status == 200
    shown = api.call("GET", "/sessions/{session_id}/ui-messages", session_id=thread).json["messages"][0]
    for user, session_id in (("AIDAALICE", f"{thread} 2"), (BOB, thread)):
        body = {"id": session_id, "messages": [shown]}
        answer = api.call("POST", "/chat", body=body, user=user)
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "messages[0].parts[1].url")


def read_history(api: HttpApi, thread: str) -> list[Any]:
    history = api.call("GET", "/sessions/{session_id}/history", session_id=thread).json["messages"]
    return [each["message"] for each in history]


def find_pictures(api: HttpApi, thread: str) -> list[Any]:
    """What the history has instead of their bytes, but for the names."""
    blocks = [
        block["image"] for message in read_history(api, thread) for block in message["content"] if "image" in block
    ]
    return [
        {name: value for name, value in block["source"]["bytes"].items() if name in ("size_bytes", "media_type")}
        for block in blocks
    ]


def picture_part(content: bytes) -> dict[str, Any]:
    url = f"data:image/gif;base64,{base64.b64encode(content).decode()}"
    return {"type": "file", "mediaType": "image/gif", "url": url}
