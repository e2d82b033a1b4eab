"""A source's session as this store's records. What Strands could not restore is damaged."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from session_store.codec import parse_message, parse_record
from session_store.document import Document
from session_store.encoding import preview_of
from session_store.errors import InvalidInputError
from session_store.identifiers import checked, checked_new_session_id
from session_store.raw_json import dump_json
from session_store.records import AgentMessage, AgentRecord, MessageRecord, MultiAgentRecord, SessionRecord

from .source import DamagedError, Json, SourceSession


class WholeSession(NamedTuple):
    """agents: with their message counts. messages: of all agents, each agent's from 0 on."""

    session: SessionRecord
    agents: Sequence[AgentRecord]
    messages: Sequence[AgentMessage]
    multi_agents: Sequence[MultiAgentRecord]


def parse_session(session_id: str, source: SourceSession) -> WholeSession:
    """Raises `DamagedError`."""
    try:
        agents = [_parse_agent(agent_id, agent, source.messages) for agent_id, agent in source.agents.items()]
        messages = [
            AgentMessage(agent_id, _parse_message(number, message))
            for agent_id in source.agents
            for number, message in enumerate(source.messages.get(agent_id, []))
        ]
        session = SessionRecord(
            checked_new_session_id("session_id", session_id),
            "AGENT",
            _timestamp(source.session, "created_at"),
            _timestamp(source.session, "updated_at"),
            len(messages),
            _preview(agents, source),
        )
        multi_agents = [
            MultiAgentRecord(checked("multi_agent_id", name), dump_json(state))
            for name, state in source.multi_agents.items()
        ]
    except (InvalidInputError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise DamagedError(f"it is not as Strands writes one: {error}") from error
    if orphans := source.messages.keys() - source.agents.keys():
        raise DamagedError(f"it has messages of an agent that it lacks: {', '.join(sorted(orphans))}")
    return WholeSession(session, agents, messages, multi_agents)


def _parse_agent(agent_id: str, agent: Json, messages: Mapping[str, list[Json]]) -> AgentRecord:
    members = {name: agent[name] for name in ("state", "conversation_manager_state")}
    internal: Json = agent.get("_internal_state") or {}
    times = {name: _timestamp(agent, name) for name in ("created_at", "updated_at")}
    document = Document.parse(dump_json({"agent_id": agent_id, **members, "internal_state": internal, **times}))
    return parse_record(AgentRecord, document)._replace(message_count=len(messages.get(agent_id, [])))


def _parse_message(number: int, message: Json) -> MessageRecord:
    """Ids are dense here: an offset that Strands keeps counts messages, whatever their numbers were."""
    members = {name: message.get(name) for name in ("message", "redact_message")}
    times = {name: _timestamp(message, name) for name in ("created_at", "updated_at")}
    record = parse_message(Document.parse(dump_json({"message_id": number, **members, **times})))
    return record._replace(message=record.redact_message or record.message)


def _timestamp(document: Json, name: str) -> str:
    """Missing where an old version of Strands wrote it: then now."""
    return document.get(name) or datetime.now(UTC).isoformat()


def _preview(agents: Sequence[AgentRecord], source: SourceSession) -> str:
    """Of the first message of the oldest agent that has one."""
    for agent in sorted(agents, key=lambda agent: agent.created_at):
        for message in source.messages.get(agent.agent_id, [])[:1]:
            body: Any = message.get("redact_message") or message["message"]
            return preview_of(body)
    return ""
