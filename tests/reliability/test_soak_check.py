"""The soak's own eyes: shown damaged records, it sees each kind of damage."""

import random
import time
from typing import Any

import psycopg
import pytest

from session_store.identifiers import DEFAULT_OWNER
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.run_events import EventBatch
from tests.reliability.soak_check import Findings, check
from tests.reliability.soak_states import find_undone
from tests.reliability.soak_turns import SoakTurns

Event = dict[str, Any]
SESSION = "user-123"


def hold_turns(store: PostgreSQLStore) -> list[Event]:
    """Two acknowledged turns, each with a Graph; and what a worker of the soak would have logged."""
    repository, events = PostgreSQLSessionRepository(store=store), list[Event]()

    def log(event: str, operation: str, **more: Any) -> None:
        events.append({"event": event, "operation": operation, "at": time.monotonic_ns(), "key": None, **more})

    turns = SoakTurns(Plain(), lambda name: log("effect", name), lambda name, task: log("graph", name, task=task))
    for operation in ("one", "two"):
        with repository.run(SESSION) as run:
            log("begun", operation, run_id=run.run_id, session_id=SESSION)
            for number in (1, 2):
                store.run_events.append(DEFAULT_OWNER, run.run_id, EventBatch(number, number, "[1]"))
                log("streamed", operation, run_id=run.run_id, number=number)
            turns.hold_graph(run, operation)
            assert turns.hold(run, operation) == operation
        log("acknowledged", operation, run_id=run.run_id, session_id=SESSION)
    return events


class Plain(random.Random):
    """Chooses a plain turn each time."""

    def random(self) -> float:
        return 0.4


def look(events: list[Event], connection: "psycopg.Connection[Any]") -> Findings:
    findings = check(events, connection)
    findings.undone += find_undone(events, connection)
    return findings


DAMAGES = {
    "an agent's state goes back": (
        "undone",
        """UPDATE agents SET state = '{"operation":"one"}' WHERE agent_id = 'default'""",
    ),
    "an agent's state is lost": ("undone", "UPDATE agents SET state = '{}' WHERE agent_id = 'default'"),
    "a multi-agent's state goes back": (
        "undone",
        "UPDATE multi_agents SET state = replace(state::text, 'task two', 'task one')::json",
    ),
    "a count is too small": (
        "undone",
        "UPDATE agents SET message_count = message_count - 1 WHERE agent_id = 'default'",
    ),
    "a window begins behind its end": ("undone", "UPDATE agents SET removed_message_count = 99"),
    "an answer is lost": ("lost", "DELETE FROM messages WHERE agent_id = 'default' AND message_id >= 2"),
    "a turn is there twice": (
        "doubled",
        """INSERT INTO messages SELECT session_key, agent_id, message_id + 4, message, NULL, created_at, updated_at
           FROM messages WHERE agent_id = 'default' AND message_id < 2""",
    ),
    "two turns are one": (
        "interleaved",
        """UPDATE messages SET message = replace(message::text, 'answer two', 'answer one')::json""",
    ),
    "turns changed places": (
        "interleaved",
        "UPDATE runs SET fence = 10 - fence",
    ),
    "a stream's beginning is lost": ("gaps", "INSERT INTO run_events SELECT run_id, 9, 5, '[]' FROM runs LIMIT 1"),
    "a stream's end is lost": ("gaps", "DELETE FROM run_events WHERE last_number = 2"),
    "a budget is overspent": (
        "overspent",
        """INSERT INTO runs (run_id, owner, session_key, agent_id, fence)
           SELECT gen_random_uuid(), 'limited', session_key, 'default', 9 FROM sessions, generate_series(1, 301)""",
    ),
    "an answer without a question": (
        "invalid",
        """UPDATE messages SET message = replace(message::text, '"user"', '"assistant"')::json""",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_kind_of_damage_is_seen(store: PostgreSQLStore, database_url: str, damage: str) -> None:
    kind, statement = DAMAGES[damage]
    events = hold_turns(store)
    with psycopg.connect(database_url, autocommit=True) as connection:
        whole = look(events, connection)
        assert not any(whole.counts.values()), whole
        connection.execute(statement)  # type: ignore[arg-type]
        assert getattr(look(events, connection), kind), damage


def test_a_graph_that_goes_on_with_the_task_of_a_run_that_broke_off_is_not_taken_for_undone(
    store: PostgreSQLStore, database_url: str
) -> None:
    events = hold_turns(store)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE multi_agents SET state = replace(state::text, 'task two', 'task broken-off')::json")
        assert look(events, connection).undone
        goes_on = [
            {**event, "task": "task broken-off"} if event.get("task") == "task two" else event for event in events
        ]
        assert not look(goes_on, connection).undone


def test_a_deletion_that_did_nothing_is_seen(store: PostgreSQLStore, database_url: str) -> None:
    events = hold_turns(store)
    for event in ("deleting", "deleted"):
        events.append({"event": event, "operation": SESSION, "at": time.monotonic_ns(), "session_id": SESSION})
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert len(look(events, connection).undeleted) == 2
