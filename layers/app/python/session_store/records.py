"""What a transport carries. Public.

Each field's kind says how it stands in a document of the session backend; see `codec`. Bodies are JSON text, untouched
between Strands and the database. Named tuples: that many dataclasses take 5 ms of a cold start.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from ._fields import (
    Flag,
    GivenInternalState,
    GivenRemovedMessageCount,
    Identifier,
    Inline,
    InternalState,
    JsonObject,
    LeaseSeconds,
    Local,
    MessageBody,
    Metadata,
    OrdinalNumber,
    Preview,
    RemovedMessageCount,
    RunId,
    SessionType,
    Text,
    Timestamp,
    Title,
    TraceText,
    WholeNumber,
)

IfBusy = Literal["reject", "wait", "interrupt"]
"""What a run does where another one holds its session: gives up, waits in turn, or has that one cancelled."""
RunStatus = Literal["running", "completed", "failed", "cancelled", "interrupted"]
"""interrupted: the run's lease ran out before it ended, as after a killed process."""


class SessionRecord(NamedTuple):
    """Timestamps are ISO 8601 in UTC; `preview` is the beginning of the first prompt.

    metadata: its owner's own, a JSON object. error_code: why it has no message, if its first run failed. The origin is
    the session that it was forked from, and the last message that both have; without an id where that was deleted.
    removed_at: when a rewind took it from its origin; it expires unless it is used.
    """

    session_id: Identifier
    session_type: SessionType
    created_at: Timestamp
    updated_at: Timestamp
    message_count: WholeNumber = 0
    preview: Text = ""
    title: Title | None = None
    metadata: Metadata = "{}"
    error_code: Text | None = None
    origin_session_id: Text | None = None
    origin_message_id: WholeNumber | None = None
    removed_at: Text | None = None


class SessionPage(NamedTuple):
    """`next_cursor` is opaque, and None on the last page."""

    sessions: Sequence[SessionRecord]
    next_cursor: str | None


class AgentRecord(NamedTuple):
    """`removed_message_count`: how many of the oldest messages the conversation manager no longer holds."""

    agent_id: Identifier
    state: JsonObject
    conversation_manager_state: JsonObject
    internal_state: InternalState
    created_at: Timestamp
    updated_at: Timestamp
    removed_message_count: RemovedMessageCount = 0
    message_count: WholeNumber = 0


class AgentChange(NamedTuple):
    """What of an agent is to change: what is None stays as it is stored."""

    agent_id: Identifier
    updated_at: Timestamp
    state: JsonObject | None = None
    conversation_manager_state: JsonObject | None = None
    internal_state: GivenInternalState | None = None
    removed_message_count: GivenRemovedMessageCount | None = None


class MessageRecord(NamedTuple):
    """A redacted message has its replacement in both bodies: the original is gone."""

    message_id: WholeNumber
    message: MessageBody
    redact_message: JsonObject | None
    created_at: Timestamp
    updated_at: Timestamp


class OmittedMessage(NamedTuple):
    """A message that is too large to be read for a page."""

    message_id: int
    size_bytes: int
    is_redacted: bool
    created_at: str
    updated_at: str


class MessagePage(NamedTuple):
    """`next_message_id` is where the next page begins, and None on the last one."""

    messages: Sequence[MessageRecord | OmittedMessage]
    next_message_id: int | None


class RunRecord(NamedTuple):
    """`result` is what the caller of the run stored at commit; `answer` the message that ended it, as stored now.

    trace: see `trace.parse_trace`; None before the run has ended.
    """

    run_id: RunId
    session_id: Identifier
    agent_id: Identifier
    status: RunStatus
    started_at: Timestamp
    finished_at: Text | None = None
    result: JsonObject | None = None
    answer: JsonObject | None = None
    error_code: Text | None = None
    cancel_requested: Flag = False
    trace: TraceText | None = None


class RunPage(NamedTuple):
    """Runs without their results, answers and traces; `next_cursor` is opaque, and None on the last page."""

    runs: Sequence[RunRecord]
    next_cursor: str | None


class RunRequest(NamedTuple):
    """One run of one agent on one session; `request_hash` is compared when the idempotency key comes again."""

    session_id: Identifier
    agent_id: Identifier
    run_id: RunId
    lease_seconds: LeaseSeconds
    idempotency_key: Identifier | None = None
    request_hash: Identifier | None = None
    if_busy: IfBusy = "reject"


class ValueWrite(NamedTuple):
    """A value of Strands' `Storage`; without `data` it is deleted."""

    key: str
    data: bytes | None
    lifetime_seconds: float | None = None


class MemoryRecord(NamedTuple):
    """metadata: a JSON object."""

    memory_id: str
    store_name: str
    content: str
    metadata: str
    created_at: str
    updated_at: str


class MemoryPage(NamedTuple):
    """`next_cursor` is opaque, and None on the last page."""

    memories: Sequence[MemoryRecord]
    next_cursor: str | None


class NewMemory(NamedTuple):
    """source: what is the same of a memory that comes twice. metadata: a JSON object."""

    source: str
    content: str
    metadata: str
    embedding: Sequence[float] | None
    lifetime_seconds: float | None


class MemoryQuery(NamedTuple):
    """metadata: a JSON object, the members that a memory's metadata must have."""

    text: str
    language: str
    limit: int
    metadata: str
    half_life_seconds: float
    embedding: Sequence[float] | None


class FoundMemory(NamedTuple):
    score: float
    memory: MemoryRecord


class BegunRun(NamedTuple):
    """`messages` are those that the conversation manager still holds, oldest first.

    snapshots: the values that a `SnapshotSessionManager` of the run's agent restores, and those of any Graph or Swarm
    of the session, by key.
    """

    fence: WholeNumber
    session: SessionRecord
    agent: AgentRecord | None
    messages: Sequence[MessageRecord]
    snapshots: Annotated[Mapping[str, bytes] | None, Local()] = None


FindMessage = Callable[[BegunRun], int | None]
"""Finds the message before which a run goes on, in what it has begun with; None: at the end of the history."""


class RunOutcome(NamedTuple):
    """How a run ended; `answer_message_id` names the message of the agent that answers.

    Tokens are those of all of its models. trace: what it did, see `trace.parse_trace`.
    """

    status: Literal["completed", "failed", "cancelled"]
    result: JsonObject | None = None
    answer_message_id: WholeNumber | None = None
    error_code: Text | None = None
    input_tokens: WholeNumber = 0
    output_tokens: WholeNumber = 0
    trace: TraceText | None = None


class AgentMessage(NamedTuple):
    agent_id: Identifier
    record: Annotated[MessageRecord, Inline()]


class MultiAgentRecord(NamedTuple):
    multi_agent_id: Identifier
    state: JsonObject


class Rewind(NamedTuple):
    """The write goes on before this message of the agent: it and all that follow it are taken out of the session."""

    agent_id: Identifier
    message_id: WholeNumber


class RunWrite(NamedTuple):
    """All that a run has gathered since its last write; with an `outcome` it also ends the run.

    number: 1 for a run's first write, and one more for each later one, so that a write which comes late, or twice,
    changes nothing; None: not checked. The messages of an agent follow one another. `preview` is set when the first of
    them is written, `redacted_preview` when it is redacted. `title`: the agent's own, unless somebody gave one.
    """

    session_id: Identifier
    run_id: RunId
    lease_seconds: LeaseSeconds
    created_agents: Sequence[AgentRecord] = ()
    updated_agents: Sequence[AgentRecord] = ()
    messages: Sequence[AgentMessage] = ()
    redactions: Sequence[AgentMessage] = ()
    multi_agents: Sequence[MultiAgentRecord] = ()
    preview: Preview | None = None
    redacted_preview: Preview | None = None
    outcome: RunOutcome | None = None
    number: OrdinalNumber | None = None
    title: Title | None = None
    rewind: Rewind | None = None
    values: Annotated[Sequence[ValueWrite], Local()] = ()

    @property
    def message_counts(self) -> dict[str, int]:
        """How many messages each agent has after this write, by agent id; only of agents with messages in it."""
        return {message.agent_id: message.record.message_id + 1 for message in self.messages}

    @property
    def first_message_ids(self) -> dict[str, int]:
        """The id of each agent's first message in this write, by agent id."""
        return {message.agent_id: message.record.message_id for message in reversed(self.messages)}
