"""Begin, append and commit of a run as documents; see `wire`."""

import uuid
from collections.abc import Iterable
from typing import Literal, TypeVar, cast, get_args

from .document import Document
from .errors import InvalidInputError
from .lease import checked_lease
from .raw_json import list_text, object_text
from .records import (
    AgentMessage,
    BegunRun,
    MultiAgentRecord,
    RunOutcome,
    RunRecord,
    RunRequest,
    RunStatus,
    RunWrite,
)
from .wire import (
    agent_of,
    agent_text,
    checked_message,
    checked_preview,
    message_of,
    message_text,
    session_text,
)

Option = TypeVar("Option", bound=str)
_Ended = Literal["completed", "failed", "cancelled"]


def run_id_of(field: str, value: object) -> str:
    try:
        return str(uuid.UUID(cast(str, value)))
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInputError(field, "must be a UUID") from error


def lease_seconds_of(document: Document) -> float:
    return checked_lease("lease_seconds", document.value("lease_seconds"))


def request_text(request: RunRequest) -> str:
    return object_text(
        {
            "session_id": request.session_id,
            "agent_id": request.agent_id,
            "run_id": request.run_id,
            "lease_seconds": request.lease_seconds,
            "idempotency_key": request.idempotency_key,
            "request_hash": request.request_hash,
        },
        {},
    )


def request_of(document: Document) -> RunRequest:
    document.refuse_others("session_id", "agent_id", "run_id", "lease_seconds", "idempotency_key", "request_hash")
    return RunRequest(
        document.identifier("session_id"),
        document.identifier("agent_id"),
        run_id_of("run_id", document.value("run_id")),
        lease_seconds_of(document),
        document.identifier("idempotency_key") if document.raw("idempotency_key") else None,
        document.identifier("request_hash") if document.raw("request_hash") else None,
    )


def begun_text(begun: BegunRun, messages: Iterable[str], next_message_id: int | None) -> str:
    """`messages` are those that fit; the rest is read from `next_message_id` on, while the lease lasts."""
    return object_text(
        {"fence": begun.fence, "next_message_id": next_message_id},
        {
            "session": session_text(begun.session),
            "agent": begun.agent and agent_text(begun.agent),
            "messages": list_text(messages),
        },
    )


def run_text(run: RunRecord) -> str:
    return object_text(
        {
            "run_id": run.run_id,
            "session_id": run.session_id,
            "agent_id": run.agent_id,
            "status": run.status,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "error_code": run.error_code,
            "cancel_requested": run.cancel_requested,
        },
        {"result": run.result, "answer": run.answer},
    )


def run_of(document: Document) -> RunRecord:
    return RunRecord(
        document.identifier("run_id"),
        document.identifier("session_id"),
        document.identifier("agent_id"),
        _one_of("status", document.text("status"), get_args(RunStatus)),
        document.timestamp("started_at"),
        document.text("finished_at"),
        document.raw("result"),
        document.raw("answer"),
        document.text("error_code"),
        document.value("cancel_requested") is True,
    )


def write_text(write: RunWrite) -> str:
    """`message_counts` are not sent: they follow from the messages."""
    outcome = write.outcome
    return object_text(
        {
            "session_id": write.session_id,
            "lease_seconds": write.lease_seconds,
            "preview": write.preview,
            "redacted_preview": write.redacted_preview,
        },
        {
            "created_agents": list_text(map(agent_text, write.created_agents)),
            "updated_agents": list_text(map(agent_text, write.updated_agents)),
            "messages": list_text(map(_agent_message_text, write.messages)),
            "redactions": list_text(map(_agent_message_text, write.redactions)),
            "multi_agents": list_text(map(multi_agent_text, write.multi_agents)),
            **({"outcome": _outcome_text(outcome)} if outcome else {}),
        },
    )


def write_of(document: Document, run_id: str) -> RunWrite:
    document.refuse_others(
        *("session_id", "lease_seconds", "preview", "redacted_preview", "created_agents", "updated_agents"),
        *("messages", "redactions", "multi_agents", "outcome"),
    )
    messages = [_agent_message_of(message) for message in document.documents("messages")]
    outcome = document.optional_document("outcome")
    return RunWrite(
        session_id=document.identifier("session_id"),
        run_id=run_id,
        lease_seconds=lease_seconds_of(document),
        created_agents=[agent_of(agent) for agent in document.documents("created_agents")],
        updated_agents=[agent_of(agent) for agent in document.documents("updated_agents")],
        messages=messages,
        redactions=[_agent_message_of(message) for message in document.documents("redactions")],
        multi_agents=[multi_agent_of(state) for state in document.documents("multi_agents")],
        message_counts=_counts(messages),
        preview=checked_preview("preview", document.text("preview")),
        redacted_preview=checked_preview("redacted_preview", document.text("redacted_preview")),
        outcome=outcome and _outcome_of(outcome),
    )


def multi_agent_text(multi_agent: MultiAgentRecord) -> str:
    return object_text({"multi_agent_id": multi_agent.multi_agent_id}, {"state": multi_agent.state})


def multi_agent_of(document: Document, multi_agent_id: str | None = None) -> MultiAgentRecord:
    return MultiAgentRecord(document.identifier("multi_agent_id", multi_agent_id), document.object("state"))


def _agent_message_text(message: AgentMessage) -> str:
    return message_text(message.record, agent_id=message.agent_id)


def _agent_message_of(document: Document) -> AgentMessage:
    return AgentMessage(document.identifier("agent_id"), checked_message(message_of(document)))


def _counts(messages: Iterable[AgentMessage]) -> list[tuple[str, int]]:
    """How many messages each agent has after them. Raises `InvalidInputError` for ids that leave one out."""
    counts: dict[str, int] = {}
    for message in messages:
        message_id = message.record.message_id
        if counts.setdefault(message.agent_id, message_id) != message_id:
            raise InvalidInputError("messages", "must have the message_ids of an agent one after another")
        counts[message.agent_id] = message_id + 1
    return sorted(counts.items())


def _outcome_text(outcome: RunOutcome) -> str:
    return object_text(
        {
            "status": outcome.status,
            "answer_message_id": outcome.answer_message_id,
            "error_code": outcome.error_code,
        },
        {"result": outcome.result},
    )


def _outcome_of(document: Document) -> RunOutcome:
    answers = document.raw("answer_message_id") is not None
    return RunOutcome(
        _one_of("status", document.text("status"), get_args(_Ended)),
        document.raw("result") and document.object("result"),
        document.whole_number("answer_message_id") if answers else None,
        document.text("error_code"),
    )


def _one_of(field: str, value: str | None, options: tuple[Option, ...]) -> Option:
    for option in options:
        if option == value:
            return option
    raise InvalidInputError(field, f"must be one of {', '.join(options)}")
