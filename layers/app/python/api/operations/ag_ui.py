"""POST /ag-ui: one turn of the agent for a stock client of AG-UI."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from api.ag_ui_input import RunAgentInput
from api.call import Call
from api.errors import RejoinRefusedError
from api.event_stream import HEADERS, Frames, stream_response, stream_turn
from api.held_list import find_rewind
from api.operation import Body, Operation
from api.operations.process import TURN_ERRORS
from api.operations.process_streaming import MAXIMUM_WAIT_SECONDS, find_run
from api.operations.run_events import LAST_EVENT_ID, watch_run
from api.response import Response
from api.stored_conversation import StoredConversation, attachments_path, read_conversation
from session_store.errors import EventsGoneError
from session_store.records import FindMessage
from turns.events import StateSnapshot, TurnFinished, TurnStarted
from turns.projections.ag_ui import dump_frame, frames
from turns.projections.ag_ui_client import AgUiClient, dump_snapshot
from turns.projections.ag_ui_messages import dump_history
from turns.request import TurnRequest

BODY = Body(
    RunAgentInput,
    {
        "question": {
            "threadId": "user-123",
            "runId": "run-1",
            "messages": [{"id": "message-1", "role": "user", "content": "Hello, my name is Alice"}],
            "tools": [],
            "context": [],
            "state": {},
            "forwardedProps": {},
        },
        "upload": {
            "threadId": "user-123",
            "runId": "run-3",
            "messages": [
                {
                    "id": "message-2",
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is in it?"},
                        {
                            "type": "video",
                            "source": {
                                "type": "file",
                                "value": "5b0c1a4e5f6d4e0f8a5d2c3b4a596877",
                                "mimeType": "video/mp4",
                            },
                        },
                    ],
                }
            ],
        },
        "what is stored": {"threadId": "user-123", "runId": "run-2", "messages": []},
    },
)


def run_ag_ui(call: Call) -> Response:
    """An error before the first event is an ordinary problem with its status."""
    given = RunAgentInput.parse(call)
    client = AgUiClient(
        given.runId, given.held_messages, given.answered_calls(), declares_version=bool(given.protocolVersion)
    )
    if given.is_empty:
        return _show_stored(call, given, client)
    request = _parse_turn(call, given)
    if (after := call[LAST_EVENT_ID]) is not None:
        turn = watch_run(call, find_run(call, request), 0)
        return stream_turn(turn, call, _project(client, after))
    span = call.application.observability.turn_span()
    turn = span.begin(lambda: call.turns.run(request))
    return stream_turn(turn, call, _project(client), span=span)


def _parse_turn(call: Call, given: RunAgentInput) -> TurnRequest:
    """A client ends a run by going away, which no gateway reports: the next message takes its place.

    An answer never does: the run may be the one that goes on with the same answer, which came twice.
    """
    return TurnRequest(
        owner=call.owner,
        session_id=given.threadId,
        prompt=given.prompt(),
        idempotency_key=given.idempotency_key(),
        request_hash=given.fingerprint(),
        deadline=call.deadline(call.settings.streaming_run_timeout_seconds),
        end_user=call.end_user,
        claims=call.request.claims,
        metadata=given.metadata(),
        from_message_id=_find_rewind(call, given),
        is_recorded=True,
        frontend=given.frontend(),
        if_busy="interrupt" if given.is_prompt else "wait",
        wait_seconds=MAXIMUM_WAIT_SECONDS,
    )


def _find_rewind(call: Call, given: RunAgentInput) -> FindMessage | None:
    if not given.is_prompt:
        return None
    return find_rewind(call, given.threadId, given.held_ids(), given.messages[-1].id)


def _project(client: AgUiClient, after: int = 0) -> Frames:
    """after: the number of the last event that the client has; what a later one means may depend on it."""
    return lambda turn, explain: _behind(after, frames(turn, explain, dump=client.dump))


def _behind(after: int, numbered: Iterator[str]) -> Iterator[str]:
    for frame in numbered:
        if not frame.startswith("id: ") or int(frame[4 : frame.index("\n")]) > after:
            yield frame


def _show_stored(call: Call, given: RunAgentInput, client: AgUiClient) -> Response:
    stored = read_conversation(call, given.threadId)
    events = [dump_frame(number, event) for number, event in enumerate(_dump_stored(given, client, stored), start=1)]
    return stream_response(call, iter(events), {"Session-Id": quote(given.threadId, safe="")})


def _dump_stored(
    given: RunAgentInput, client: AgUiClient, stored: StoredConversation
) -> Iterator[dict[str, Any] | None]:
    yield client.dump(TurnStarted(given.threadId, given.runId))
    yield client.dump(StateSnapshot(stored.state))
    yield dump_snapshot(dump_history(stored.messages, attachments_path(given.threadId)))
    answer: Any = {"session_id": given.threadId, "run_id": given.runId, "interrupts": stored.interrupts}
    yield client.dump(TurnFinished(answer, {}))


OPERATIONS = (
    Operation(
        operation_id="runAgUi",
        method="POST",
        path="/ag-ui",
        handle=run_ag_ui,
        summary="Ask the agent, from a client of AG-UI",
        description="For `HttpAgent` of `@ag-ui/client`, CopilotKit and the like: the same turn as "
        "`/process-streaming`, from AG-UI's `RunAgentInput`. A run that the client has left is cancelled by the next "
        "message of its thread. The same request with `Last-Event-ID` goes on with the stream that it began, and asks "
        "no model.",
        parameters=[LAST_EVENT_ID],
        body=BODY,
        answer="text/event-stream",
        example='id: 1\ndata: {"type":"RUN_STARTED","threadId":"user-123","runId":"run-1"}\n\n',
        headers=HEADERS,
        errors=[*TURN_ERRORS, RejoinRefusedError, EventsGoneError],
    ),
)
