"""What the routes answer, runs apart. OpenAPI's document is made from these types; pyright holds the routes to them."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12 on

from turns.agent_description import AgentDescription
from turns.answer import Interrupt, ProcessAnswer

__all__ = ["AgentDescription", "Interrupt", "ProcessAnswer"]


class ForkOrigin(TypedDict):
    """The session that this one was forked from, null once it is deleted, and the last message that both have."""

    session_id: str | None
    message_id: int | None


class Match(TypedDict):
    """Where the words were found: in that message, or without one in the title.

    highlights: begin and end of each of them in the passage, in characters.
    """

    message_id: int | None
    agent_id: str | None
    passage: str
    highlights: list[list[int]]


class SessionSummary(TypedDict):
    """`preview` is the beginning of the first prompt. `error_code`: why it has no message, if its run failed."""

    session_id: str
    created_at: str
    updated_at: str
    message_count: int
    preview: str
    title: str | None
    metadata: dict[str, Any]
    forked_from: ForkOrigin | None
    error_code: str | None
    match: NotRequired[Match]


class SessionFork(TypedDict):
    """message_id: the last message that both have. removed_at: when a rewind took it out; unless used, it expires."""

    session_id: str
    message_id: int | None
    created_at: str
    removed_at: str | None


class Session(SessionSummary):
    """`forks`: the newest, at most 100."""

    forks: list[SessionFork]


class Fork(SessionSummary):
    """state_message_id: the message after which the agent's state was recorded; null where none was by then."""

    state_message_id: int | None


class Upload(TypedDict):
    """A `method` request to `url` with these `headers` and the file as its body, before `expires_at`."""

    upload_id: str
    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_at: str


class SessionList(TypedDict):
    """Newest activity first; `next_cursor` asks for the next page and is null on the last."""

    sessions: list[SessionSummary]
    next_cursor: str | None


class BinaryContent(TypedDict):
    """Stands where a content block has bytes; `attachment_id` names them."""

    type: Literal["binary"]
    media_type: str
    size_bytes: int
    attachment_id: str


class Message(TypedDict):
    """Content blocks as Strands has them; bytes inside, at any depth, are shown as a `BinaryContent`."""

    role: Literal["user", "assistant"]
    content: list[dict[str, BinaryContent | dict[str, Any] | list[Any] | str | float | bool | None]]


class HistoryMessage(TypedDict):
    """`message` is null, and `omitted_bytes` is its size, when it alone is larger than a response may be.

    It is null, and `damaged` says why, when it is stored in a form that no agent can be restored from.
    """

    message_id: int
    created_at: str
    updated_at: str
    redacted: bool
    message: Message | None
    omitted_bytes: NotRequired[int]
    damaged: NotRequired[str]


class History(TypedDict):
    """`next_cursor` is the message that the next page begins with, and null on the last page."""

    session_id: str
    agent_id: str
    messages: list[HistoryMessage]
    next_cursor: int | None


class UiMessage(TypedDict):
    """A message of Vercel's AI SDK; its id is the one that the client gave a prompt."""

    id: str
    role: Literal["user", "assistant"]
    parts: list[dict[str, Any]]


class UiMessages(TypedDict):
    messages: list[UiMessage]


class AgentSummary(TypedDict):
    """`interrupts` are the questions that wait for a human's answer.

    `damaged` says why no turn can go on with the agent as it is stored.
    """

    session_id: str
    agent_id: str
    created_at: str
    updated_at: str
    message_count: int
    interrupts: list[Interrupt]
    damaged: NotRequired[str]


class Agent(AgentSummary):
    """`state` is what its tools keep; null, with its size in `omitted_bytes`, when no response can hold it."""

    state: Any
    omitted_bytes: NotRequired[int]


class Memory(TypedDict):
    memory_id: str
    store_name: str
    content: str
    metadata: dict[str, Any]
    created_at: str
    updated_at: str


class MemoryList(TypedDict):
    memories: list[Memory]
    next_cursor: str | None


class Health(TypedDict):
    status: Literal["ok"]


class DatabaseHealth(Health):
    """`round_trip_ms`: one statement to the database and back, in milliseconds."""

    round_trip_ms: float


class FieldError(TypedDict):
    field: str
    message: str


class ProblemDetails(TypedDict):
    """RFC 9457, with a `code` that stays the same; `errors` names the fields at fault."""

    type: str
    title: str
    status: int
    code: str
    request_id: str
    detail: NotRequired[str]
    errors: NotRequired[list[FieldError]]
    run_id: NotRequired[str]
    interrupt_ids: NotRequired[list[str]]
    history: NotRequired[str]
    position: NotRequired[int]
    runs_left: NotRequired[int | None]
    tokens_left: NotRequired[int | None]
