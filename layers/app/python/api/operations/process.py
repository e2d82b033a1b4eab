"""POST /process: one turn of the agent, answered when it is stored."""

from math import inf

from api import answers
from api.call import Call
from api.errors import (
    MalformedRequestError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    UploadsUnavailableError,
)
from api.operation import Body, Operation
from api.operations.runs import ANSWER_EXAMPLE, RUN_ID_EXAMPLE, RUN_LINKS
from api.operations.sessions import SESSION_LINKS
from api.parameters import header_identifier
from api.process_request import ProcessRequest
from api.response import Response, json_response
from session_store.errors import (
    AgentNotFoundError,
    AwaitingResponseError,
    BudgetExhaustedError,
    DamagedRecordError,
    IdempotencyKeyReusedError,
    LeaseLostError,
    MessageNotFoundError,
    ModelFailedError,
    ModelThrottledError,
    RunCancelledError,
    RunDeadlineError,
    RunInProgressError,
    SessionBusyError,
)
from session_store.records import IfBusy
from turns.projections import whole
from turns.request import TurnRequest

IDEMPOTENCY_KEY = header_identifier(
    "Idempotency-Key", "The same key with the same body gives the same stored answer, and no model is called again."
)
BODY = Body(
    ProcessRequest,
    {
        "text": {"prompt": "Hello, my name is Alice", "session_id": "user-123"},
        "new session": {"prompt": "Hello"},
        "picture": {
            "prompt": [
                {"text": "What is this?"},
                {"image": {"format": "gif", "source": {"bytes": "R0lGODlhAQABAAAAACw="}}},
            ]
        },
        "upload": {
            "prompt": [
                {"text": "What is in it?"},
                {"video": {"format": "mp4", "source": {"upload": "5b0c1a4e5f6d4e0f8a5d2c3b4a596877"}}},
            ],
            "session_id": "user-123",
        },
        "again from a message": {"prompt": "Hello, I am Bob", "session_id": "user-123", "from_message_id": 0},
        "answer to an interrupt": {
            "prompt": [{"interruptResponse": {"interruptId": "v1:tool_call:tooluse_1:5a2c", "response": "approved"}}],
            "session_id": "user-123",
        },
    },
)
TURN_ERRORS = (
    BudgetExhaustedError,
    MalformedRequestError,
    UnsupportedMediaTypeError,
    PayloadTooLargeError,
    UploadsUnavailableError,
    IdempotencyKeyReusedError,
    SessionBusyError,
    RunInProgressError,
    LeaseLostError,
    AgentNotFoundError,
    MessageNotFoundError,
    AwaitingResponseError,
    DamagedRecordError,
    RunCancelledError,
    ModelFailedError,
    ModelThrottledError,
    RunDeadlineError,
)


def parse_turn(
    call: Call, timeout_seconds: float, *, if_busy: IfBusy = "reject", wait_seconds: float = inf
) -> TurnRequest:
    """`if_busy` is what the body may say otherwise. Raises what `ProcessRequest.parse` raises."""
    body = ProcessRequest.parse(call)
    return TurnRequest(
        owner=call.owner,
        session_id=body.session_id,
        prompt=body.prompt_for_agent(),
        idempotency_key=call[IDEMPOTENCY_KEY],
        request_hash=body.fingerprint(),
        deadline=call.deadline(timeout_seconds),
        end_user=call.end_user,
        claims=call.request.claims,
        metadata=body.metadata or {},
        from_message_id=body.from_message_id,
        if_busy=body.if_busy or if_busy,
        wait_seconds=wait_seconds,
    )


def process(call: Call) -> Response:
    request = parse_turn(call, call.settings.run_timeout_seconds)
    span = call.application.observability.turn_span()
    with span.ending():
        return json_response(whole.answer(span.begin(lambda: call.turns.run(request))))


OPERATIONS = (
    Operation(
        operation_id="process",
        method="POST",
        path="/process",
        handle=process,
        summary="Ask the agent",
        description="One turn of the agent in a session, answered when it is stored.",
        parameters=[IDEMPOTENCY_KEY],
        body=BODY,
        answer=answers.ProcessAnswer,
        example={"session_id": "user-123", "run_id": RUN_ID_EXAMPLE, **ANSWER_EXAMPLE},
        links=(*SESSION_LINKS, *RUN_LINKS),
        errors=TURN_ERRORS,
    ),
)
