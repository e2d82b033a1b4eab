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


def states(store: Store, transport: Transport, owner: str) -> object:
    """All that a write could change, the lease included."""
    lease = transport.rows("SELECT lease_until, preview FROM sessions WHERE owner = %s", transport.owner_prefix + owner)
    return (
        lease,
        store.agents.list(owner, "s"),
        store.multi_agents.list(owner, "s"),
        store.messages.list(owner, "s", "default"),
    )


def numbered(asked: RunRequest, number: int, **members: object) -> RunWrite:
    """A write of everything that is set and not added: what a later one has stored must not go back to it."""
    changed = agent(state=f'{{"write":{number}}}', removed_message_count=number)
    graph = MultiAgentRecord("graph", f'{{"write":{number}}}')
    return write(asked, updated_agents=[changed], multi_agents=[graph], number=number, **members)


@pytest.mark.parametrize("late", [1, 2])
def test_a_write_that_comes_after_a_later_one_changes_nothing(
    store: Store, transport: Transport, owner: str, late: int
) -> None:
    add_session(store, owner, "Hello")
    asked = request()
    begin(store, owner, asked)
    for number in (1, 2, 3):
        store.runs.write(owner, numbered(asked, number))
    before = states(store, transport, owner)
    with pytest.raises(LeaseLostError, match=f"its write {late} came after its write 3"):
        store.runs.write(owner, numbered(asked, late, redacted_preview="[gone]"))
    assert states(store, transport, owner) == before
    store.runs.write(owner, numbered(asked, 4))


def test_a_commit_that_comes_after_a_later_write_does_not_end_the_run(store: Store, owner: str) -> None:
    add_session(store, owner)
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, number=2))
    with pytest.raises(LeaseLostError, match="its write 1 came after its write 2"):
        store.runs.write(owner, commit(asked, number=1))
    assert store.runs.read(owner, asked.run_id).status == "running"


def test_a_write_delivered_twice_changes_nothing_and_answers_as_it_did(
    store: Store, transport: Transport, owner: str
) -> None:
    add_session(store, owner, "Hello")
    asked = request()
    begin(store, owner, asked)
    first = numbered(asked, 1, messages=[AgentMessage("default", message(1, "Hi"))])
    assert store.runs.write(owner, first) is False
    before = states(store, transport, owner)
    assert store.runs.write(owner, first) is False
    store.runs.request_cancel(owner, asked.run_id)
    assert store.runs.write(owner, first) is True
    assert states(store, transport, owner) == before


def test_a_commit_delivered_twice_is_stored_once(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    last = commit(asked, "Hello", created_agents=[agent()], number=1)
    assert [store.runs.write(owner, last) for _ in range(2)] == [False, False]
    begin(store, owner, request())
    assert store.runs.write(owner, last) is False
    with pytest.raises(LeaseLostError):
        store.runs.write(owner, last._replace(number=2))
    assert [*store.messages.list(owner, "s", "default")] == [message(0, "Hello")]


def test_a_write_after_one_that_failed_is_stored(store: Store, owner: str) -> None:
    """Nobody knows whether a write arrives whose connection broke: the next one holds all that it held."""
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()], number=2))
    store.runs.write(owner, commit(asked, "Hi", start=1, number=4))
    assert len(store.messages.list(owner, "s", "default")) == 2


def test_a_client_that_does_not_number_its_writes_is_served_as_before(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    store.runs.write(owner, commit(asked, "Hi", start=1))
    with pytest.raises(LeaseLostError, match="it had ended as completed"):
        store.runs.write(owner, commit(asked, "Hi", start=1))


def test_a_renewal_is_no_write(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    for number in (1, 2):
        store.runs.write(owner, write(asked, number=number))
        store.runs.renew(owner, "s", asked.run_id, 60)
