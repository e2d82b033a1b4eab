"""The writes of a run: nothing twice, no hole, all or nothing."""

from collections.abc import Callable

import pytest

from session_store.errors import (
    AgentNotFoundError,
    InvalidInputError,
    LeaseLostError,
    MessageOrderError,
)
from session_store.records import (
    AgentMessage,
    AgentRecord,
    BegunRun,
    MultiAgentRecord,
    RunOutcome,
    RunRequest,
    RunWrite,
)
from session_store.store import Store
from tests.contract.records import add_session, agent, message
from tests.contract.runs import begin, commit, request, write
from tests.contract.transport import Transport


def test_a_write_holds_everything_a_run_can_change(store: Store, owner: str) -> None:
    add_session(store, owner, "secret")
    asked = request()
    begin(store, owner, asked)
    changed = agent(state='{"k":2.0}', removed_message_count=1)._replace(message_count=3)
    redacted = message(0, "[gone]")._replace(redact_message=message(0, "[gone]").message)
    store.runs.write(
        owner,
        write(
            asked,
            *("b", "c"),
            start=1,
            created_agents=[agent("helper")],
            updated_agents=[changed],
            redactions=[AgentMessage("default", redacted)],
            multi_agents=[MultiAgentRecord("graph", '{"n":1.00}')],
            redacted_preview="[gone]",
        ),
    )
    assert store.agents.read(owner, "s", "default") == changed
    assert store.agents.read(owner, "s", "helper") == agent("helper")
    assert [*store.messages.list(owner, "s", "default")] == [redacted, message(1, "b"), message(2, "c")]
    assert store.multi_agents.read(owner, "s", "graph") == '{"n":1.00}'
    assert store.sessions.list(owner).sessions[0].preview == "[gone]"
    assert store.runs.read(owner, asked.run_id).status == "running"


REPEATED: dict[str, Callable[[RunRequest], RunWrite]] = {
    "append": lambda asked: write(asked, "Hello", created_agents=[agent()]),
    "empty append": write,
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_repeated_append_stores_nothing_twice(store: Store, owner: str, name: str) -> None:
    asked = request()
    begin(store, owner, asked)
    for _ in range(2):
        store.runs.write(owner, REPEATED[name](asked))
    begun = store.runs.begin(owner, asked)
    assert isinstance(begun, BegunRun)
    assert len(begun.messages) == (1 if name == "append" else 0)


def test_another_message_in_the_place_of_an_appended_one_is_refused(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    with pytest.raises(LeaseLostError, match="another message 0"):
        store.runs.write(owner, write(asked, "Other"))
    assert [*store.messages.list(owner, "s", "default")] == [message(0, "Hello")]


@pytest.mark.parametrize("created", [[], [agent()]])
def test_no_write_hides_a_message_that_is_stored(store: Store, owner: str, created: list[AgentRecord]) -> None:
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "a", "b", "c", created_agents=[agent()]))
    with pytest.raises(LeaseLostError, match="another message 0"):
        store.runs.write(owner, write(asked, "Other", created_agents=created))
    stored = store.agents.read(owner, "s", "default")
    assert stored
    assert stored.message_count == 3


def test_a_message_of_an_agent_that_does_not_exist_is_refused(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    for wrong in (commit(asked, "Hello"), commit(asked, updated_agents=[agent()])):
        with pytest.raises(AgentNotFoundError, match="agent 'default' does not exist"):
            store.runs.write(owner, wrong)
        assert store.runs.read(owner, asked.run_id).status == "running"


@pytest.mark.parametrize("stored", [[], ["a", "b"]])
def test_a_message_that_would_leave_a_hole_is_refused_and_nothing_is_written(
    store: Store, owner: str, stored: list[str]
) -> None:
    asked = request()
    begin(store, owner, asked)
    if stored:
        store.runs.write(owner, write(asked, *stored, created_agents=[agent()]))
    created = [] if stored else [agent()]
    with pytest.raises(MessageOrderError, match=f"message_id 7 is not the next one, {len(stored)}"):
        store.runs.write(owner, commit(asked, "far", "away", start=7, created_agents=created))
    assert store.runs.read(owner, asked.run_id).status == "running"
    assert store.agents.read(owner, "s", "default") == (agent()._replace(message_count=len(stored)) if stored else None)


def test_a_refused_commit_leaves_the_run_to_its_holder(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    with pytest.raises(LeaseLostError, match="another message 0"):
        store.runs.write(owner, commit(asked, "Other", "more"))
    assert store.runs.read(owner, asked.run_id).status == "running"
    assert [*store.messages.list(owner, "s", "default")] == [message(0, "Hello")]


def test_what_closes_a_failed_run_may_find_its_place_taken(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    store.runs.write(owner, write(asked, "closing", outcome=RunOutcome("failed")))
    assert store.runs.read(owner, asked.run_id).status == "failed"
    assert [*store.messages.list(owner, "s", "default")] == [message(0, "Hello")]


def test_a_write_is_stored_whole_or_not_at_all(store: Store, transport: Transport, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    broken = commit(asked, "Hello", created_agents=[agent()], multi_agents=[MultiAgentRecord("graph", "{")])
    with pytest.raises(InvalidInputError):
        store.runs.write(owner, broken)
    assert store.agents.read(owner, "s", "default") is None
    assert store.runs.read(owner, asked.run_id).status == "running"
