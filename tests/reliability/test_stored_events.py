"""A run's stored events: each batch behind the one before it, none of a run that holds its session no more."""

import pytest

from session_store.errors import LeaseLostError, RunNotFoundError
from session_store.postgresql import PostgreSQLStore
from session_store.records import RunRequest
from session_store.run_events import EventBatch
from tests.contract.runs import begin, commit, request

OWNER = "alice"


def append(store: PostgreSQLStore, asked: RunRequest, first: int, last: int) -> bool:
    batch = EventBatch(first, last, str(list(range(first, last + 1))))
    return store.run_events.append(OWNER, asked.run_id, batch)


def test_batch_is_stored_behind_the_one_before_it_alone(store: PostgreSQLStore) -> None:
    asked = request()
    begin(store, OWNER, asked)
    assert not append(store, asked, 2, 3)
    assert append(store, asked, 1, 3)
    assert append(store, asked, 1, 3), "it came twice, and is stored"
    assert not append(store, asked, 5, 6)
    assert append(store, asked, 4, 6)
    assert not append(store, asked, 1, 3), "it came late"
    read = store.run_events.read(OWNER, asked.run_id, 0)
    assert [batch[:2] for batch in read.batches] == [(1, 3), (4, 6)]
    assert (read.session_id, read.status, read.error_code, read.last_number) == ("s", "running", None, 6)
    for after in (6, 7, 1_000):
        read = store.run_events.read(OWNER, asked.run_id, after)
        assert (read.batches, read.last_number, read.is_complete) == ([], 6, True)


def test_reader_gets_the_batches_with_news_alone(store: PostgreSQLStore) -> None:
    asked = request()
    begin(store, OWNER, asked)
    for first in range(1, 41):
        append(store, asked, first, first)
    whole = store.run_events.read(OWNER, asked.run_id, 0)
    assert (len(whole.batches), whole.is_complete) == (32, False)
    rest = store.run_events.read(OWNER, asked.run_id, 32)
    assert ([batch.events for batch in rest.batches], rest.is_complete) == ([f"[{n}]" for n in range(33, 41)], True)
    assert store.run_events.read(OWNER, asked.run_id, 40).batches == []


def test_ended_run_stores_no_more_and_says_how_it_ended(store: PostgreSQLStore) -> None:
    asked = request()
    begin(store, OWNER, asked)
    append(store, asked, 1, 1)
    store.runs.write(OWNER, commit(asked))
    with pytest.raises(LeaseLostError):
        append(store, asked, 2, 2)
    assert store.run_events.read(OWNER, asked.run_id, 1).status == "completed"
    with pytest.raises(RunNotFoundError):
        store.run_events.read("bob", asked.run_id, 0)


def test_nothing_is_stored_at_the_very_end_of_a_lease(store: PostgreSQLStore) -> None:
    """A reader that finds the lease over has seen all that will ever be stored."""
    asked = request(lease_seconds=0.19)
    begin(store, OWNER, asked)
    with pytest.raises(LeaseLostError):
        append(store, asked, 1, 1)
