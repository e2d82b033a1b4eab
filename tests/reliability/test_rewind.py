"""A commit that replaces the end of a history, ended while it is at work: by the client's death or the server's."""

from typing import Any

import psycopg
import pytest

from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.processes import Worker, workers
from tests.reliability.turns import OWNER, history, hold_turn, hold_turn_when_free, texts, wait_until_blocked
from tests.reliability.workers import hold_rewinding_turn
from tests.support.waiting import wait_until

OLD = ["one", "answer to one", "two", "answer to two"]
NEW = ["one", "answer to one", "another prompt", "another answer"]
PLACES = {
    "sessions": "SELECT FROM sessions WHERE session_id = %s FOR UPDATE",
    "messages": "SELECT FROM messages WHERE message_id = 2 AND session_key ="
    " (SELECT session_key FROM sessions WHERE session_id = %s) FOR UPDATE",
    "agents": "SELECT FROM agents WHERE session_key ="
    " (SELECT session_key FROM sessions WHERE session_id = %s) FOR UPDATE",
}
"""The rows for which the commit waits: before its first change, after the copy, after the removal."""


@pytest.mark.parametrize("end", ["client", "server"])
@pytest.mark.parametrize("place", PLACES)
def test_a_commit_that_is_cut_off_replaces_all_or_nothing(
    store: PostgreSQLStore, database_url: str, watch: "psycopg.Connection[Any]", place: str, end: str
) -> None:
    repository = PostgreSQLSessionRepository(store=store)
    for prompt in ("one", "two"):
        hold_turn(repository, "s", prompt)
    with workers(hold_rewinding_turn, (database_url, "s", 2)) as (worker,):
        advance(worker, "before the commit")
        with psycopg.connect(database_url) as holder:
            holder.execute(PLACES[place], ("s",))
            worker.go_on()
            wait_until_blocked(watch)
            cut_off(worker, watch, end)
        if end == "server":  # the client sends it again
            assert worker.next_point() == "after the commit"
    wait_until(lambda: not is_at_work(watch))

    stored = texts(history(store, "s"))
    assert stored in ([NEW] if end == "server" else [OLD, NEW])
    forks = store.sessions.forks(OWNER, "s")
    assert [texts(history(store, fork.session_id)) for fork in forks] == ([OLD] if stored == NEW else [])
    watch.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
    hold_turn_when_free(repository, "s", "next")
    assert texts(history(store, "s")) == [*stored, "next", "answer to next"]


def advance(worker: Worker, point: str) -> None:
    while (reached := worker.next_point()) != point:
        if isinstance(reached, str):  # it waits
            worker.go_on()


def cut_off(worker: Worker, watch: "psycopg.Connection[Any]", end: str) -> None:
    if end == "client":
        worker.kill()
    else:
        watch.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )


def is_at_work(watch: "psycopg.Connection[Any]") -> bool:
    return bool(
        watch.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
        ).fetchall()
    )
