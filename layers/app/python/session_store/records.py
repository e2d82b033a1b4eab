"""What a transport carries. Bodies are JSON text, untouched between Strands and the database.

Named tuples: that many dataclasses take 5 ms of a cold start.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

RunStatus = Literal["running", "completed", "failed", "cancelled", "interrupted"]
"""interrupted: the run's lease ran out before it ended, as after a killed process."""


class SessionRecord(NamedTuple):
    """Timestamps are ISO 8601 in UTC; `preview` is the beginning of the first prompt."""

    session_id: str
    session_type: str
    created_at: str
    updated_at: str
    message_count: int = 0
    preview: str = ""


class SessionPage(NamedTuple):
    """`next_cursor` is opaque, and None on the last page."""

    sessions: Sequence[SessionRecord]
    next_cursor: str | None


class AgentRecord(NamedTuple):
    """`removed_message_count`: how many of the oldest messages the conversation manager no longer holds."""

    agent_id: str
    state: str
    conversation_manager_state: str
    internal_state: str
    created_at: str
    updated_at: str
    removed_message_count: int = 0
    message_count: int = 0


class MessageRecord(NamedTuple):
    """A redacted message has its replacement in both bodies: the original is gone."""

    message_id: int
    message: str
    redact_message: str | None
    created_at: str
    updated_at: str


class RunRecord(NamedTuple):
    """`result` is what the caller of the run stored at commit; `answer` the message that ended it, as stored now."""

    run_id: str
    session_id: str
    agent_id: str
    status: RunStatus
    started_at: str
    finished_at: str | None = None
    result: str | None = None
    answer: str | None = None
    error_code: str | None = None
    cancel_requested: bool = False


class RunRequest(NamedTuple):
    """One run of one agent on one session; `request_hash` is compared when the idempotency key comes again."""

    session_id: str
    agent_id: str
    run_id: str
    lease_seconds: float
    idempotency_key: str | None = None
    request_hash: str | None = None


class BegunRun(NamedTuple):
    """`messages` are those that the conversation manager still holds, oldest first."""

    fence: int
    session: SessionRecord
    agent: AgentRecord | None
    messages: Sequence[MessageRecord]


class RunOutcome(NamedTuple):
    """How a run ended; `answer_message_id` names the message of the agent that answers."""

    status: Literal["completed", "failed", "cancelled"]
    result: str | None = None
    answer_message_id: int | None = None
    error_code: str | None = None


class AgentMessage(NamedTuple):
    agent_id: str
    record: MessageRecord


class MultiAgentRecord(NamedTuple):
    multi_agent_id: str
    state: str


class RunWrite(NamedTuple):
    """All that a run has gathered since its last write; with an `outcome` it also ends the run.

    `message_counts` holds for each agent how many messages it has after this write. `preview` is set when the first
    message is written, `redacted_preview` when it is redacted.
    """

    session_id: str
    run_id: str
    lease_seconds: float
    created_agents: Sequence[AgentRecord] = ()
    updated_agents: Sequence[AgentRecord] = ()
    messages: Sequence[AgentMessage] = ()
    redactions: Sequence[AgentMessage] = ()
    multi_agents: Sequence[MultiAgentRecord] = ()
    message_counts: Sequence[tuple[str, int]] = ()
    preview: str | None = None
    redacted_preview: str | None = None
    outcome: RunOutcome | None = None
