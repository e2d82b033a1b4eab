"""Every operation of the API in one table: what it takes, what it answers, which errors it may end with.

Read when the OpenAPI document is made, not when a request comes.
"""

from api import answers, errors
from api.operation import Link, Operation, Parameter
from api.process_request import ProcessRequest
from api.session_routes import MAX_MESSAGE_ID
from api.settings import Settings
from session_store import errors as store_errors
from session_store import identifiers

IDENTIFIER = {
    "type": "string",
    "minLength": 1,
    "maxLength": identifiers.MAXIMUM_LENGTH,
    "format": "printable-text",
}
RUN_ID = {"type": "string", "format": "uuid"}
TO_SESSION = tuple(
    Link(operation_id, "session_id", "/session_id")
    for operation_id in ("readHistory", "exportSession", "deleteSession")
)
TO_RUN = (Link("readRun", "run_id", "/run_id"), Link("cancelRun", "run_id", "/run_id"))
SESSION_ID = Parameter("session_id", "path", IDENTIFIER, "The session, percent-encoded.")
RUN = Parameter("run_id", "path", IDENTIFIER, "The run, as an answer named it.")
LIMIT = Parameter(
    "limit",
    "query",
    {"type": "integer", "minimum": 1, "maximum": Settings.max_page_size, "default": Settings.page_size},
    "How many the page has at most.",
)
CURSOR = Parameter(
    "cursor", "query", {"type": "string", "minLength": 1}, "Where the page begins: `next_cursor` of the one before."
)
HISTORY_PARAMETERS = (
    SESSION_ID,
    Parameter("agent_id", "query", {**IDENTIFIER, "default": "default"}, "Whose messages, of the session's agents."),
    Parameter(
        "order", "query", {"type": "string", "enum": ["asc", "desc"], "default": "asc"}, "Oldest first or newest."
    ),
    LIMIT,
    Parameter(
        "cursor",
        "query",
        {"type": "integer", "minimum": 0, "maximum": MAX_MESSAGE_ID},
        "The message that the page begins with: `next_cursor` of the one before.",
    ),
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    IDENTIFIER,
    "The same key with the same body gives the same stored answer, and no model is called again.",
)
PROMPTS = {
    "text": {"prompt": "Hello, my name is Alice", "session_id": "user-123"},
    "new session": {"prompt": "Hello"},
    "answer to an interrupt": {
        "prompt": [{"interruptResponse": {"interruptId": "v1:tool_call:tooluse_1:5a2c", "response": "approved"}}],
        "session_id": "user-123",
    },
}
PROCESS_ERRORS = (
    errors.MalformedRequestError,
    errors.UnsupportedMediaTypeError,
    errors.PayloadTooLargeError,
    errors.InvalidRequestError,
    store_errors.IdempotencyKeyReusedError,
    store_errors.SessionBusyError,
    store_errors.RunInProgressError,
    store_errors.LeaseLostError,
    store_errors.AwaitingResponseError,
    store_errors.RunCancelledError,
    store_errors.ModelFailedError,
    store_errors.RunDeadlineError,
)
ANSWER = {
    "response": "Hello Alice!",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 412, "output_tokens": 9, "total_tokens": 421},
}
RUN_ID_EXAMPLE = "0b0a2d5e-5d0e-4b8e-9a53-1f6f2f7d3c11"
FINISHED_RUN = {
    "run_id": RUN_ID_EXAMPLE,
    "session_id": "user-123",
    "agent_id": "default",
    "status": "completed",
    "started_at": "2026-11-22T10:00:00+00:00",
    "finished_at": "2026-11-22T10:00:02+00:00",
    "cancel_requested": False,
    "error_code": None,
    "answer": ANSWER,
}

OPERATIONS = (
    Operation(
        "process",
        "POST",
        "/process",
        "Ask the agent",
        answers.ProcessAnswer,
        {"session_id": "user-123", "run_id": RUN_ID_EXAMPLE, **ANSWER},
        description="One turn of the agent in a session, answered when it is stored.",
        parameters=[IDEMPOTENCY_KEY],
        body=ProcessRequest,
        errors=PROCESS_ERRORS,
        links=(*TO_SESSION, *TO_RUN),
    ),
    Operation(
        "processStreaming",
        "POST",
        "/process-streaming",
        "Ask the agent and read the answer as it is made",
        "text/event-stream",
        'id: 1\ndata: {"type":"RUN_STARTED","threadId":"user-123","runId":"0b0a2d5e"}\n\n',
        description="Server-sent events in the AG-UI vocabulary; `RUN_FINISHED` comes only after the turn is stored. "
        "With `Accept: text/plain` the bare text.",
        parameters=[IDEMPOTENCY_KEY],
        body=ProcessRequest,
        errors=PROCESS_ERRORS,
        headers={"Session-Id": "The session, percent-encoded as in a path.", "Run-Id": "The run."},
    ),
    Operation(
        "listSessions",
        "GET",
        "/sessions",
        "List your sessions, newest activity first",
        answers.SessionList,
        {
            "sessions": [
                {
                    "session_id": "user-123",
                    "created_at": "2026-11-22T10:00:00+00:00",
                    "updated_at": "2026-11-22T10:00:02+00:00",
                    "message_count": 2,
                    "preview": "Hello, my name is Alice",
                }
            ],
            "next_cursor": None,
        },
        parameters=[LIMIT, CURSOR],
        errors=[errors.InvalidRequestError, store_errors.CursorNotFoundError],
        links=[
            Link("listSessions", "cursor", "/next_cursor"),
            Link("readHistory", "session_id", "/sessions/0/session_id"),
            Link("deleteSession", "session_id", "/sessions/0/session_id"),
        ],
    ),
    Operation(
        "readHistory",
        "GET",
        "/sessions/{session_id}/history",
        "Read a session's messages",
        answers.History,
        {
            "session_id": "user-123",
            "agent_id": "default",
            "next_cursor": None,
            "messages": [
                {
                    "message_id": 0,
                    "created_at": "2026-11-22T10:00:00+00:00",
                    "updated_at": "2026-11-22T10:00:00+00:00",
                    "redacted": False,
                    "message": {"role": "user", "content": [{"text": "Hello, my name is Alice"}]},
                }
            ],
        },
        description="A page may have fewer messages than `limit` where more would not fit into one response.",
        parameters=HISTORY_PARAMETERS,
        errors=[errors.InvalidRequestError, store_errors.SessionNotFoundError, store_errors.AgentNotFoundError],
    ),
    Operation(
        "exportSession",
        "GET",
        "/sessions/{session_id}/export",
        "Export a session whole",
        "application/jsonl",
        '{"type":"session","session_id":"user-123","session_type":"AGENT","message_count":2}\n',
        description="JSON Lines: the session, its multi-agents, then each agent followed by its messages, binary "
        'content included. A long session comes in pages: follow the header `Link` with `rel="next"`.',
        parameters=[SESSION_ID, CURSOR],
        errors=[errors.InvalidRequestError, store_errors.SessionNotFoundError, store_errors.CursorNotFoundError],
        headers={"Link": 'The next page, `<?cursor=…>; rel="next"`; absent on the last.'},
    ),
    Operation(
        "readAgent",
        "GET",
        "/sessions/{session_id}/agents/{agent_id}",
        "Read what an agent of a session keeps, and what it waits for",
        answers.Agent,
        {
            "session_id": "user-123",
            "agent_id": "default",
            "created_at": "2026-11-22T10:00:00+00:00",
            "updated_at": "2026-11-22T10:00:02+00:00",
            "message_count": 4,
            "interrupts": [],
            "state": {"notes": ["Alice is allergic to nuts."]},
        },
        parameters=[SESSION_ID, Parameter("agent_id", "path", IDENTIFIER, "One of the session's agents.")],
        errors=[errors.InvalidRequestError, store_errors.SessionNotFoundError, store_errors.AgentNotFoundError],
    ),
    Operation(
        "deleteSession",
        "DELETE",
        "/sessions/{session_id}",
        "Delete a session, all of it",
        None,
        status=204,
        parameters=[SESSION_ID],
        errors=[errors.InvalidRequestError, store_errors.SessionNotFoundError],
    ),
    Operation(
        "readRun",
        "GET",
        "/runs/{run_id}",
        "Ask what became of a run",
        answers.Run,
        FINISHED_RUN,
        description="For after a 504 or a lost connection.",
        parameters=[RUN],
        errors=[errors.InvalidRequestError, store_errors.RunNotFoundError],
        links=TO_SESSION,
    ),
    Operation(
        "cancelRun",
        "POST",
        "/runs/{run_id}/cancel",
        "Cancel a run",
        answers.Run,
        {**FINISHED_RUN, "status": "running", "finished_at": None, "cancel_requested": True, "answer": None},
        status=202,
        description="The run ends at its next write or renewal; one that has ended already stays as it is.",
        parameters=[RUN],
        errors=[errors.InvalidRequestError, store_errors.RunNotFoundError],
    ),
    Operation(
        "health",
        "GET",
        "/health",
        "Is the service there",
        answers.Health,
        {"status": "ok"},
        description="Answers without the database.",
        owned=False,
    ),
    Operation(
        "databaseHealth",
        "GET",
        "/health/db",
        "Is the database there",
        answers.DatabaseHealth,
        {"status": "ok", "round_trip_ms": 1.4},
        description="One round trip to the database, measured.",
    ),
    Operation("openapi", "GET", "/openapi.json", "This document", "application/json", owned=False),
    Operation("docs", "GET", "/docs", "This document as a page", "text/html", owned=False),
)
