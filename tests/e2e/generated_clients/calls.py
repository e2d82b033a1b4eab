"""Every operation by the client of openapi-python-client: `python calls.py URL` prints each request as it is made."""

import base64
import re
import sys
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from generated.agent_sessions import AuthenticatedClient
from generated.agent_sessions.api.default import (
    cancel_run,
    chat,
    create_run,
    create_upload,
    database_health,
    delete_memories,
    delete_memory,
    delete_session,
    describe_agent,
    docs,
    export_session,
    fork_session,
    health,
    list_memories,
    list_runs,
    list_sessions,
    liveness,
    openapi,
    process,
    process_streaming,
    read_agent,
    read_attachment,
    read_chat_stream,
    read_history,
    read_run,
    read_run_events,
    read_run_trace,
    read_session,
    read_ui_messages,
    read_usage,
    run_ag_ui,
    update_session,
)
from generated.agent_sessions.models import (
    AcceptedRun,
    AgentDescription,
    AgUiMessage,
    ChatMessage,
    ChatMessagePartsItem,
    ChatRequest,
    CreateUploadBody,
    CreateUploadBodyFormat,
    Fork,
    ForkSessionBody,
    Health,
    History,
    MemoryList,
    OpenapiResponse200,
    ProblemDetails,
    ProcessAnswer,
    ProcessRequest,
    ProcessRequestPromptType2ItemType0,
    ProcessRequestPromptType2ItemType1,
    Run,
    RunAgentInput,
    RunList,
    RunTrace,
    Session,
    SessionList,
    SessionSummary,
    UiMessages,
    UpdateSessionBody,
    UpdateSessionBodyMetadataType0,
    Upload,
    UsageReport,
)
from generated.agent_sessions.types import File, Response

Parsed = TypeVar("Parsed")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SESSION, CHAT = "of python", "chat of python"


def main(url: str) -> None:
    hooks = {"event_hooks": {"request": [show]}}
    client = AuthenticatedClient(url, "a token", raise_on_unexpected_status=True, httpx_args=hooks)
    ask_the_service(client)
    ask_the_agent(client)
    run_in_the_background(client)
    read_the_session(client)
    change_sessions(client)
    read_what_is_the_callers(client)


def show(request: httpx.Request) -> None:
    sys.stdout.write(f"{request.method} {request.url.raw_path.decode().partition('?')[0]}\n")


def ok(answer: Response[ProblemDetails | Parsed], kind: type[Parsed]) -> Parsed:
    assert isinstance(answer.parsed, kind), answer
    return answer.parsed


def done(answer: Response[Any]) -> None:
    assert answer.status_code < HTTPStatus.MULTIPLE_CHOICES, answer


def ask_the_service(client: AuthenticatedClient) -> None:
    assert ok(health.sync_detailed(client=client), Health).status == "ok"
    ok(liveness.sync_detailed(client=client), Health)
    done(database_health.sync_detailed(client=client))
    assert "paths" in ok(openapi.sync_detailed(client=client), OpenapiResponse200)
    assert ok(describe_agent.sync_detailed(client=client), AgentDescription).agents
    assert "<html" in ok(docs.sync_detailed(client=client), str)


def ask_the_agent(client: AuthenticatedClient) -> None:
    asked = ProcessRequest("say: Hello", SESSION)
    assert ok(process.sync_detailed(client=client, body=asked), ProcessAnswer).response == "Hello"
    text = ProcessRequestPromptType2ItemType0.from_dict({"text": "say: I see"})
    described = CreateUploadBody(CreateUploadBodyFormat.PNG, len(PNG))
    upload = ok(create_upload.sync_detailed(SESSION, client=client, body=described), Upload)
    httpx.request(upload.method, upload.url, headers=upload.headers.to_dict(), content=PNG).raise_for_status()
    image = {"image": {"format": "png", "source": {"upload": upload.upload_id}}}
    seen = ProcessRequest([text, ProcessRequestPromptType2ItemType1.from_dict(image)], SESSION)
    ok(process.sync_detailed(client=client, body=seen), ProcessAnswer)
    assert "RUN_FINISHED" in ok(process_streaming.sync_detailed(client=client, body=asked), str)
    given = RunAgentInput(SESSION, "run-1", [AgUiMessage("message-1", "user", "say: Hi")])
    assert "RUN_FINISHED" in ok(run_ag_ui.sync_detailed(client=client, body=given), str)
    part = ChatMessagePartsItem.from_dict({"type": "text", "text": "say: Hi"})
    said = ChatRequest(CHAT, [ChatMessage("message-1", "user", [part])])
    assert "[DONE]" in ok(chat.sync_detailed(client=client, body=said), str)
    done(read_chat_stream.sync_detailed(CHAT, client=client))


def run_in_the_background(client: AuthenticatedClient) -> None:
    asked = ProcessRequest("say: In the background", SESSION)
    run_id = ok(create_run.sync_detailed(client=client, body=asked), AcceptedRun).run_id
    assert "RUN_FINISHED" in ok(read_run_events.sync_detailed(run_id, client=client), str)
    assert ok(read_run.sync_detailed(run_id, client=client), Run).status == "completed"
    assert ok(read_run_trace.sync_detailed(run_id, client=client), RunTrace).spans
    done(cancel_run.sync_detailed(run_id, client=client))


def read_the_session(client: AuthenticatedClient) -> None:
    listed = ok(list_sessions.sync_detailed(client=client), SessionList).sessions
    assert SESSION in [each.session_id for each in listed]
    history = ok(read_history.sync_detailed(SESSION, client=client), History)
    named = re.search(r"'attachment_id': '([^']+)'", str(history.to_dict()))
    assert named
    client.get_httpx_client().headers["Accept"] = "application/octet-stream"
    attachment = ok(read_attachment.sync_detailed(SESSION, named[1], client=client), File)
    assert attachment.payload.read() == PNG
    client.get_httpx_client().headers["Accept"] = "*/*"
    assert SESSION in ok(export_session.sync_detailed(SESSION, client=client), str)
    assert ok(read_ui_messages.sync_detailed(SESSION, client=client), UiMessages).messages
    done(read_agent.sync_detailed(SESSION, "default", client=client))
    assert ok(list_runs.sync_detailed(SESSION, client=client), RunList).runs


def change_sessions(client: AuthenticatedClient) -> None:
    metadata = UpdateSessionBodyMetadataType0.from_dict({"a": "b"})
    patch = UpdateSessionBody("Of Python", metadata)
    assert ok(update_session.sync_detailed(SESSION, client=client, body=patch), SessionSummary).title == "Of Python"
    assert ok(read_session.sync_detailed(SESSION, client=client), Session)
    fork = ok(fork_session.sync_detailed(SESSION, client=client, body=ForkSessionBody(message_id=1)), Fork)
    done(delete_session.sync_detailed(fork.session_id, client=client))


def read_what_is_the_callers(client: AuthenticatedClient) -> None:
    assert ok(read_usage.sync_detailed(client=client), UsageReport).days
    assert ok(list_memories.sync_detailed(client=client), MemoryList).memories == []
    done(delete_memories.sync_detailed(client=client))
    unknown = delete_memory.sync_detailed("none", client=client).parsed
    assert isinstance(unknown, ProblemDetails)
    assert unknown.code == "memory_not_found"


if __name__ == "__main__":
    main(sys.argv[1])
