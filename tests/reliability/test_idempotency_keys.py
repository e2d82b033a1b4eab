"""Requests with one idempotency key: one of them runs, and the others have its answer or may run after it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from session_store.errors import IdempotencyKeyReusedError, RunInProgressError
from session_store.postgresql import PostgreSQLStore
from session_store.records import BegunRun, RunOutcome, RunRecord, RunRequest
from session_store.settings import StoreSettings
from tests.reliability.begins import COMPLETED, begin, expire_lease, held_open, request, write
from tests.reliability.turns import OWNER, wait_until_blocked


@pytest.fixture
def store(url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=url))
    yield opened
    opened.close()


@pytest.mark.parametrize("sessions", [["one"], ["one", "two", "three", "four"]], ids=["same", "different"])
def test_one_of_many_concurrent_requests_with_a_key_runs(url: str, sessions: list[str]) -> None:
    requests = [
        request(sessions[number % len(sessions)], idempotency_key="key", request_hash="hash") for number in range(8)
    ]
    stores = [PostgreSQLStore(StoreSettings(url=url)) for _ in requests]

    def attempt(store: PostgreSQLStore, of: RunRequest) -> str:
        try:
            return "leased" if isinstance(store.runs.begin(OWNER, of), BegunRun) else "stored"
        except RunInProgressError:
            return "in progress"

    with ThreadPoolExecutor(len(requests)) as pool:
        outcomes = sorted(pool.map(attempt, stores, requests))
    assert outcomes == ["in progress"] * 7 + ["leased"]
    left = stores[0].sessions.list(OWNER).sessions
    assert len(left) == 1, "a refused request leaves a session behind"
    for store in stores:
        store.close()


def test_a_key_whose_run_commits_meanwhile_on_another_session_gets_its_answer(
    store: PostgreSQLStore, database_url: str, watch: "psycopg.Connection[Any]"
) -> None:
    """As when a client without a session id retries: each try names another session."""
    key = {"idempotency_key": "key", "request_hash": "hash"}
    first, retry = request("one", **key), request("two", **key)
    begin(store, first)
    with ThreadPoolExecutor() as pool, psycopg.connect(database_url, autocommit=True) as committing:
        with held_open(committing, write(first, "one", outcome=COMPLETED)):
            answered = pool.submit(store.runs.begin, OWNER, retry)
            wait_until_blocked(watch)
        earlier = answered.result(timeout=30)
    assert isinstance(earlier, RunRecord)
    assert (earlier.run_id, earlier.status) == (first.run_id, "completed")


def test_a_key_serves_its_answer_and_no_other_request(store: PostgreSQLStore) -> None:
    first = request(idempotency_key="key", request_hash="hash")
    begin(store, first)
    store.runs.write(OWNER, write(first, "one", outcome=RunOutcome("completed", result='{"response":"hi"}')))

    again = store.runs.begin(OWNER, request(idempotency_key="key", request_hash="hash"))
    assert isinstance(again, RunRecord)
    assert (again.run_id, again.result) == (first.run_id, '{"response":"hi"}')
    with pytest.raises(IdempotencyKeyReusedError):
        store.runs.begin(OWNER, request("elsewhere", idempotency_key="key", request_hash="other"))
    assert isinstance(store.runs.begin("another owner", request(idempotency_key="key", request_hash="other")), BegunRun)


@pytest.mark.parametrize("end", ["failed", "cancelled", "killed"])
def test_a_key_whose_run_did_not_succeed_may_run_again(
    store: PostgreSQLStore, watch: "psycopg.Connection[Any]", end: str
) -> None:
    first = request("one", idempotency_key="key", request_hash="hash")
    begin(store, first)
    if end == "killed":
        expire_lease(watch)
    else:
        store.runs.write(OWNER, write(first)._replace(created_agents=[], outcome=RunOutcome(end)))  # type: ignore[arg-type]
    begin(store, request("two", idempotency_key="key", request_hash="hash"))
    expected = "interrupted" if end == "killed" else end
    assert store.runs.read(OWNER, first.run_id).status == expected
