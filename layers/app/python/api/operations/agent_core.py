"""What Amazon Bedrock AgentCore Runtime asks of a container, on port 8080: `/ping` and `/invocations`.

docs.aws.amazon.com/bedrock-agentcore/latest/devguide: runtime-http-protocol-contract, runtime-agui-protocol-contract
"""

from collections.abc import Callable

from api import answers
from api.call import Call
from api.event_stream import stream_turn
from api.operation import Operation
from api.operations.ag_ui import run_ag_ui
from api.operations.process import BODY, IDEMPOTENCY_KEY, TURN_ERRORS, parse_turn
from api.operations.run_events import LAST_EVENT_ID
from api.parameters import header_identifier
from api.response import Response, json_response
from turns.projections import whole

SESSION_ID = header_identifier("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", "The session, in place of the body's.")


def invoke(call: Call) -> Response:
    """One turn: of AG-UI's `RunAgentInput`; else as AG-UI's events where they are accepted, or as the whole answer."""
    body = call.json()
    if isinstance(body, dict) and "threadId" in body:
        return run_ag_ui(call)
    is_streamed = "text/event-stream" in (call.header("Accept") or "")
    settings = call.settings
    seconds = settings.streaming_run_timeout_seconds if is_streamed else settings.run_timeout_seconds
    request = parse_turn(call, seconds)
    if call[SESSION_ID] is not None:
        request = request._replace(session_id=call[SESSION_ID])
    if not is_streamed:
        return json_response(whole.answer(call.turns.run(request)))
    return stream_turn(call.turns.run(request._replace(is_recorded=True)), call)


INVOKE = Operation(
    operation_id="invoke",
    method="POST",
    path="/invocations",
    handle=invoke,
    parameters=[IDEMPOTENCY_KEY, LAST_EVENT_ID, SESSION_ID],
    body=BODY,
    answer=answers.ProcessAnswer,
    errors=TURN_ERRORS,
)


def make_operations(is_busy: Callable[[], bool]) -> tuple[Operation, ...]:
    """is_busy: whether anything is at work that nobody waits for, which AgentCore would end with the idle session."""

    def ping(_: Call) -> Response:
        return json_response({"status": "HealthyBusy" if is_busy() else "Healthy"})

    return Operation(operation_id="ping", method="GET", path="/ping", handle=ping, access="public"), INVOKE
