"""The rules of a run: leased, idempotent, fenced."""

import threading
import uuid

import pytest

from session_store.errors import (
    IdempotencyKeyReusedError,
    LeaseLostError,
    RunInProgressError,
    RunNotFoundError,
    SessionBusyError,
)
from session_store.records import (
    RunOutcome,
    RunRecord,
)
from session_store.store import Store
from tests.contract.records import add_session, agent, message, session
from tests.contract.runs import begin, commit, expire_lease, request, write
from tests.contract.transport import Transport


def test_a_run_begins_on_a_new_session_without_an_agent(store: Store, owner: str) -> None:
    begun = begin(store, owner, request())
    assert (begun.session.session_id, begun.agent, list(begun.messages)) == ("s", None, [])


def test_a_run_begins_with_what_its_conversation_manager_holds(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    store.agents.create(owner, "s", agent(removed_message_count=2))
    for number, text in enumerate("abcd"):
        store.messages.create(owner, "s", "default", message(number, text), "a")
    begun = begin(store, owner, request())
    assert begun.agent
    assert (begun.agent.state, begun.agent.message_count) == ('{"k":1}', 4)
    assert [*begun.messages] == [message(2, "c"), message(3, "d")]


def test_a_run_begins_with_its_own_agents_messages_alone(store: Store, owner: str) -> None:
    add_session(store, owner, "Hello", "Hi")
    add_session(store, owner, "theirs", session_id="other")
    store.agents.create(owner, "s", agent("helper"))
    store.messages.create(owner, "s", "helper", message(0, "look"), None)
    assert [*begin(store, owner, request()).messages] == [message(0), message(1, "Hi")]
    assert begin(store, owner, request("none")).messages == []


def test_a_turn_of_a_plain_run_is_two_round_trips(store: Store, owner: str) -> None:
    before, asked = store.round_trips, request()
    begin(store, owner, asked)
    store.runs.write(owner, commit(asked, "Hello", "Hi", created_agents=[agent()], preview="Hello"))
    assert store.round_trips == before + 2
    assert [*store.messages.list(owner, "s", "default")] == [message(0, "Hello"), message(1, "Hi")]
    stored = store.sessions.read(owner, "s")
    assert stored
    assert (stored.message_count, stored.preview) == (2, "Hello")
    run = store.runs.read(owner, asked.run_id)
    assert (run.status, run.result) == ("completed", '{"stop_reason":"end_turn","n":1.0}')
    assert run.answer == message(1, "Hi").message
    assert run.finished_at


def test_a_held_session_is_busy_for_another_run(store: Store, owner: str) -> None:
    first = request()
    begin(store, owner, first)
    with pytest.raises(SessionBusyError) as caught:
        store.runs.begin(owner, request())
    assert caught.value.run_id == first.run_id
    assert 0 < caught.value.lease_seconds_left <= 60
    store.runs.write(owner, commit(first))
    begin(store, owner, request())


def test_of_two_runs_at_once_one_begins(transport: Transport, owner: str) -> None:
    outcomes: list[object] = []
    barrier = threading.Barrier(4)

    def contend() -> None:
        store = transport.open()
        barrier.wait(30)
        try:
            outcomes.append(store.runs.begin(owner, request()))
        except SessionBusyError as error:
            outcomes.append(error)
        store.close()

    threads = [threading.Thread(target=contend) for _ in range(barrier.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BegunRun", *["SessionBusyError"] * 3]


def test_a_lease_that_ran_out_is_another_runs(store: Store, transport: Transport, owner: str) -> None:
    first, second = request(), request()
    begun = begin(store, owner, first)
    expire_lease(transport, first)
    assert store.runs.read(owner, first.run_id).status == "interrupted"
    assert begin(store, owner, second).fence == begun.fence + 1
    with pytest.raises(LeaseLostError) as caught:
        store.runs.write(owner, commit(first, "late", created_agents=[agent()]))
    assert caught.value.run_id == first.run_id
    assert second.run_id in str(caught.value)
    with pytest.raises(LeaseLostError):
        store.runs.renew(owner, "s", first.run_id, 60)
    assert store.agents.read(owner, "s", "default") is None


def test_a_run_whose_lease_ran_out_writes_nothing(store: Store, transport: Transport, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    expire_lease(transport, asked)
    for late in (write(asked, "late", created_agents=[agent()]), commit(asked, "late", created_agents=[agent()])):
        with pytest.raises(LeaseLostError, match="its lease ran out"):
            store.runs.write(owner, late)
    assert store.agents.read(owner, "s", "default") is None


@pytest.mark.parametrize("created_again", [False, True])
def test_a_run_of_a_deleted_session_writes_nothing(store: Store, owner: str, created_again: bool) -> None:
    asked = request()
    begin(store, owner, asked)
    store.sessions.delete(owner, "s")
    if created_again:
        begin(store, owner, request())
    with pytest.raises(LeaseLostError):
        store.runs.write(owner, commit(asked, "late", created_agents=[agent()]))
    assert store.agents.read(owner, "s", "default") is None
    with pytest.raises(RunNotFoundError):
        store.runs.read(owner, asked.run_id)


def test_a_renewed_lease_is_longer(store: Store, owner: str) -> None:
    asked = request(lease_seconds=1)
    begin(store, owner, asked)
    assert store.runs.renew(owner, "s", asked.run_id, 500) is False
    with pytest.raises(SessionBusyError) as caught:
        store.runs.begin(owner, request())
    assert 60 < caught.value.lease_seconds_left <= 500
    assert caught.value.retry_after_seconds <= 2


def test_a_cancelled_run_hears_of_it_at_its_next_write_and_renewal(store: Store, owner: str) -> None:
    asked = request()
    begin(store, owner, asked)
    assert store.runs.request_cancel(owner, asked.run_id).cancel_requested
    assert store.runs.renew(owner, "s", asked.run_id, 60)
    assert store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    store.runs.write(owner, write(asked, outcome=RunOutcome("cancelled", error_code="run_cancelled")))
    ended = store.runs.read(owner, asked.run_id)
    assert (ended.status, ended.error_code, ended.result, ended.answer) == ("cancelled", "run_cancelled", None, None)
    assert store.runs.request_cancel(owner, asked.run_id) == ended


def test_the_same_key_brings_the_stored_answer(store: Store, owner: str) -> None:
    asked = request(idempotency_key="käse/1", request_hash="h")
    begin(store, owner, asked)
    again = asked._replace(run_id=str(uuid.uuid4()))
    with pytest.raises(RunInProgressError) as caught:
        store.runs.begin(owner, again)
    assert caught.value.run_id == asked.run_id
    assert 0 < caught.value.lease_seconds_left <= 60
    store.runs.write(owner, commit(asked, "Hello", "Hi", created_agents=[agent()]))
    stored = store.runs.begin(owner, again)
    assert isinstance(stored, RunRecord)
    assert stored == store.runs.read(owner, asked.run_id)
    with pytest.raises(IdempotencyKeyReusedError):
        store.runs.begin(owner, again._replace(request_hash="other"))
    begin(store, f"{owner}-other", again)


def test_a_failed_runs_key_runs_again(store: Store, owner: str) -> None:
    asked = request(idempotency_key="key", request_hash="h")
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, outcome=RunOutcome("failed", error_code="model_failed")))
    assert store.runs.read(owner, asked.run_id).error_code == "model_failed"
    begin(store, owner, asked._replace(run_id=str(uuid.uuid4())))


def test_another_owner_sees_and_moves_no_run(store: Store, owner: str) -> None:
    asked, other = request(), f"{owner}-other"
    begin(store, owner, asked)
    with pytest.raises(RunNotFoundError):
        store.runs.read(other, asked.run_id)
    with pytest.raises(RunNotFoundError):
        store.runs.request_cancel(other, asked.run_id)
    for late in (write(asked, "theirs"), commit(asked, "theirs")):
        with pytest.raises(LeaseLostError):
            store.runs.write(other, late)
    with pytest.raises(LeaseLostError):
        store.runs.renew(other, "s", asked.run_id, 60)
    with pytest.raises(LeaseLostError):
        store.runs.begin(other, asked)
    assert store.runs.write(owner, commit(asked)) is False


def test_a_window_that_one_answer_cannot_hold_is_read_whole(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    store.agents.create(owner, "s", agent())
    big = [message(number, f"{number}" + "x" * 1_500_000) for number in range(7)]
    for record in big:
        store.messages.create(owner, "s", "default", record, "")
    assert [*begin(store, owner, request()).messages] == big
    assert [*store.messages.list(owner, "s", "default")] == big
    assert [*store.messages.list(owner, "s", "default", from_message_id=6, order="desc", limit=6)] == big[:0:-1]


def test_a_window_whose_first_message_has_no_place_beside_its_agent_is_read_whole(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    store.agents.create(owner, "s", agent(state=f'{{"notes":"{"n" * 1_000_000}"}}'))
    big = [message(number, f"{number}" + "x" * 4_800_000) for number in range(2)]
    for record in big:
        store.messages.create(owner, "s", "default", record, "")
    begun = begin(store, owner, request())
    assert [*begun.messages] == big
    assert begun.agent
    assert len(begun.agent.state) > 1_000_000
