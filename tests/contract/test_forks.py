"""Forks."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strands import Agent

from session_store.errors import (
    AgentNotFoundError,
    AlreadyExistsError,
    InvalidInputError,
    MessageNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
)
from session_store.postgresql import PostgreSQLStore
from session_store.records import MessageRecord, RunOutcome
from session_store.repository import PostgreSQLSessionRepository
from session_store.session_records import ForkRequest, SessionFilter
from session_store.settings import StoreSettings
from session_store.store import Store
from tests.contract.noted_turns import notes, stored, texts, three_turns, turn
from tests.contract.records import add_session, message
from tests.contract.runs import begin, request, write
from tests.contract.transport import Transport
from tests.support.scripted_model import ScriptedModel, UseTool


def test_a_fork_has_the_messages_up_to_one_and_the_agent_as_it_was_then(
    repository: PostgreSQLSessionRepository, store: Store, owner: str
) -> None:
    three_turns(repository)
    before = stored(store, owner)
    for last, state_from, kept in ((1, 1, None), (4, 1, None), (5, 5, ["two"]), (6, 5, ["two"]), (7, 7, ["two"])):
        fork = repository.fork_session("s", f"f{last}", message_id=last)
        assert (fork.session.origin_session_id, fork.session.origin_message_id) == ("s", last)
        assert (fork.session.message_count, fork.state_message_id) == (last + 1, state_from)
        assert stored(store, owner, f"f{last}") == before[: last + 1]
        assert notes(store, owner, f"f{last}") == kept
    assert stored(store, owner) == before
    assert [each.session_id for each in store.sessions.forks(owner, "s")] == ["f7", "f6", "f5", "f4", "f1"]
    assert store.sessions.forks(owner, "f1") == []


def test_a_whole_fork_is_its_origin_under_another_name(
    repository: PostgreSQLSessionRepository, store: Store, owner: str
) -> None:
    three_turns(repository)
    repository.update_session("s", title="Rome", metadata={"a": 1})
    store.multi_agents.create(owner, "s", "graph", '{"n":1.0}')
    fork = repository.fork_session("s").session
    origin = store.sessions.read(owner, "s")
    assert origin
    assert (fork.title, fork.metadata, fork.preview) == (origin.title, origin.metadata, origin.preview)
    assert stored(store, owner, fork.session_id) == stored(store, owner)
    assert store.agents.list(owner, fork.session_id) == store.agents.list(owner, "s")
    assert store.multi_agents.list(owner, fork.session_id) == store.multi_agents.list(owner, "s")
    named = store.sessions.list(owner, only=SessionFilter(title="Rome", metadata={"a": "1"})).sessions
    assert {each.session_id for each in named} == {"s", fork.session_id}


@dataclass
class Expected:
    """A session as it has to be: notes by the last message of each turn, as the agent had them."""

    messages: list[MessageRecord] = field(default_factory=list[MessageRecord])
    notes: dict[int, Any] = field(default_factory=dict[int, Any])
    title: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def last_notes(self) -> Any:
        return self.notes[max(self.notes)] if self.notes else None

    def up_to(self, message_id: int) -> "Expected":
        notes = {end: kept for end, kept in self.notes.items() if end <= message_id}
        return Expected(self.messages[: message_id + 1], notes, self.title, dict(self.metadata))


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_fork_is_its_origin_up_to_the_message_and_each_goes_its_own_way(
    repository: PostgreSQLSessionRepository, store: Store, owner: str, data: st.DataObject
) -> None:
    """Messages, agents' states, titles and metadata, whatever is done with either, and wherever one forks."""
    for known in store.sessions.list(owner).sessions:
        store.sessions.delete(owner, known.session_id)
    sessions = {"s": Expected()}
    for number in range(data.draw(st.integers(4, 6))):
        session_id = data.draw(st.sampled_from(sorted(sessions)))
        expected = sessions[session_id]
        doing = data.draw(
            st.sampled_from(["turn", "turn with a note", "fork", "name"] if expected.messages else ["turn"])
        )
        if doing == "fork":
            last = data.draw(st.integers(0, len(expected.messages) - 1))
            if '"toolUse":' in expected.messages[last].message:
                with pytest.raises(InvalidInputError):
                    repository.fork_session(session_id, message_id=last)
            else:
                fork = repository.fork_session(session_id, f"f{number}", message_id=last)
                sessions[f"f{number}"] = copied = expected.up_to(last)
                is_whole = last == len(expected.messages) - 1
                assert fork.state_message_id == (last if is_whole else max(copied.notes, default=None))
        elif doing == "name":
            expected.title, expected.metadata = f"title {number}", {**expected.metadata, f"m{number}": number}
            repository.update_session(session_id, title=expected.title, metadata={f"m{number}": number})
        else:
            is_noted = doing == "turn with a note"
            script = [UseTool("note", {"text": f"n{number}"})] if is_noted else []
            turn(repository, f"q{number}", *script, f"a{number}", session_id=session_id)
            before, expected.messages = expected.messages, list(stored(store, owner, session_id))
            assert expected.messages[: len(before)] == before
            kept = [*(expected.last_notes or []), f"n{number}"] if is_noted else expected.last_notes
            expected.notes[len(expected.messages) - 1] = kept
        for each, wanted in sessions.items():
            check(store, owner, each, wanted)


def check(store: Store, owner: str, session_id: str, expected: Expected) -> None:
    found = store.sessions.read(owner, session_id)
    if found is None:
        assert expected == Expected()
        return
    assert (found.title, json.loads(found.metadata)) == (expected.title, expected.metadata)
    assert stored(store, owner, session_id) == expected.messages
    assert notes(store, owner, session_id) == expected.last_notes


def test_other_agents_are_forked_as_they_were_then(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    for prompt in ("one", "two"):
        with repository.run("s") as run:
            for agent_id in ("helper", "default"):
                model = ScriptedModel(f"{agent_id} on {prompt}")
                Agent(model=model, agent_id=agent_id, session_manager=run.session_manager, callback_handler=None)(
                    prompt
                )
    fork = repository.fork_session("s", message_id=1).session.session_id
    assert texts(store.messages.list(owner, fork, "helper")) == ["one", "helper on one"]
    earlier = repository.fork_session("s", message_id=0).session.session_id
    assert [each.agent_id for each in store.agents.list(owner, earlier)] == ["default"]


def test_a_fork_cannot_be_made_where_there_is_none(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    add_session(store, owner, session_id="taken")
    before = store.sessions.list(owner)
    refused: list[tuple[str, ForkRequest, type[Exception]]] = [
        ("none", ForkRequest("f", "default"), SessionNotFoundError),
        ("s", ForkRequest("f", "nobody", 0), AgentNotFoundError),
        ("s", ForkRequest("f", "default", 8), MessageNotFoundError),
        ("s", ForkRequest("f", "default", 3), InvalidInputError),
        ("s", ForkRequest("taken", "default"), AlreadyExistsError),
        ("s", ForkRequest("s", "default"), AlreadyExistsError),
    ]
    for session_id, asked, error in refused:
        with pytest.raises(error):
            store.sessions.fork(owner, session_id, asked)
    assert store.sessions.list(owner) == before


def test_a_session_under_a_run_is_forked_at_what_is_complete(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    begin(store, owner, request())
    for asked in (ForkRequest("f", "default"), ForkRequest("f", "default", 7)):
        with pytest.raises(SessionBusyError):
            store.sessions.fork(owner, "s", asked)
    assert store.sessions.fork(owner, "s", ForkRequest("f", "default", 5)).session.message_count == 6


def test_what_is_redacted_is_redacted_in_the_forks(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    repository.fork_session("s", "f", message_id=5)
    repository.fork_session("f", "g", message_id=1)
    (original,) = stored(store, owner)[:1]
    body = message(0, "[gone]").message
    store.messages.update(owner, "s", "default", original._replace(message=body, redact_message=body), "[gone]")
    for session_id in "sfg":
        assert texts(stored(store, owner, session_id))[0] == "[gone]"
        found = store.sessions.read(owner, session_id)
        assert found
        assert found.preview == "[gone]"


def test_what_is_redacted_is_taken_out_of_what_the_agents_of_forks_keep_of_it(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    secret = "my password is swordfish\0"
    turn(repository, secret, UseTool("note", {"text": secret}), "noted")
    store.multi_agents.create(owner, "s", "graph", json.dumps({"id": "graph", "task": secret}))
    repository.fork_session("s", "f")
    assert notes(store, owner, "f") == [secret]
    (original,) = stored(store, owner)[:1]
    body = message(0, "[gone]").message
    store.messages.update(owner, "s", "default", original._replace(message=body, redact_message=body), "[gone]")
    for session_id in "sf":
        assert notes(store, owner, session_id) == ["[gone]"]
        assert [json.loads(each.state)["task"] for each in store.multi_agents.list(owner, session_id)] == ["[gone]"]


def test_an_agent_may_name_its_session_until_somebody_else_has(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    def title_after(title: str) -> str | None:
        with repository.run("s") as run:
            run.set_title(title)
        found = store.sessions.read(owner, "s")
        return found and found.title

    assert title_after("Rome") == "Rome"
    assert title_after("Rome and Naples") == "Rome and Naples"
    assert len(store.sessions.list(owner, only=SessionFilter(title="Rome and Naples")).sessions) == 1
    repository.update_session("s", title="Italy")
    assert title_after("Rome") == "Italy"


def test_what_nobody_needs_expires(
    store: Store, repository: PostgreSQLSessionRepository, transport: Transport, owner: str
) -> None:
    three_turns(repository)
    for _ in range(2):
        turn(repository, "again", from_message_id=6)
    used, unused = (each.session_id for each in store.sessions.forks(owner, "s"))
    with repository.run(used):
        pass
    begin(store, owner, failed := request("failed"))
    store.runs.write(owner, write(failed, outcome=RunOutcome("failed", error_code="model_failed")))
    transport.rows(
        "UPDATE sessions SET updated_at = updated_at - interval '2 days' WHERE session_id = 'failed' RETURNING 1"
    )
    transport.rows(
        "UPDATE sessions SET removed_at = removed_at - interval '25 h', updated_at = updated_at - interval '25 h'"
        " WHERE removed_at IS NOT NULL RETURNING 1"
    )
    server = PostgreSQLStore(StoreSettings(url=transport.database_url, schema=transport.schema))
    list(server.sessions.expire_leftovers(24))
    list(server.sessions.expire(None))
    server.close()
    assert [store.sessions.read(owner, each) is None for each in ("s", used, unused, "failed")] == [
        False,
        False,
        True,
        True,
    ]
