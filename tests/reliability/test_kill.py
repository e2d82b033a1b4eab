"""`kill -9` wherever a tool turn can be."""

from typing import Any

import psycopg
import pytest

from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.processes import Worker, workers
from tests.reliability.turns import (
    assert_closed,
    assert_valid,
    history,
    hold_turn,
    hold_turn_when_free,
    texts,
    wait_until_blocked,
)
from tests.reliability.workers import DURING, TOOL_TURN_POINTS, hold_tool_turn

LEASE_SECONDS = 1.5
KILLS_PER_POINT = 3  # at 14 points, by two ways: 84 kills


def test_the_points_are_all_there_are(url: str) -> None:
    with workers(hold_tool_turn, (url, "user-123", LEASE_SECONDS)) as (worker,):
        reached = []
        while (point := worker.next_point())[0] != "acknowledged":
            if isinstance(point, str):
                reached.append(point)
                worker.go_on()
        worker.join()
    assert reached == list(TOOL_TURN_POINTS)


def test_a_turn_killed_anywhere_leaves_what_was_acknowledged_and_a_history_to_go_on_from(
    repository: PostgreSQLSessionRepository, url: str, database_url: str
) -> None:
    killed: list[tuple[str, str, str | None]] = []
    with psycopg.connect(database_url, autocommit=True) as watch:
        for number in range(KILLS_PER_POINT):
            for point in [*TOOL_TURN_POINTS, *DURING]:
                session_id = f"killed {point} {number}"
                hold_turn(repository, session_id, "the acknowledged prompt")
                killed.append((session_id, point, kill_at(point, url, session_id, watch)))
    assert len(killed) == KILLS_PER_POINT * 14
    for session_id, point, run_id in killed:
        stored = assert_durable(repository, session_id, point, run_id)
        assert_next_turn_works(repository, session_id, stored)
        if run_id:
            ended = "completed" if len(stored) == 2 + 4 else "interrupted"
            assert repository.read_run(run_id).status == ended, point


def kill_at(point: str, url: str, session_id: str, watch: "psycopg.Connection[Any]") -> str | None:
    """The run's id, if it had begun."""
    with workers(hold_tool_turn, (url, session_id, LEASE_SECONDS)) as (worker,):
        if point not in DURING:
            return advance(worker, point)
        run_id = advance(worker, DURING[point][0])
        with watch.transaction():
            watch.execute("SELECT FROM sessions WHERE session_id = %s FOR UPDATE", (session_id,))
            worker.go_on()
            with psycopg.connect(watch.info.dsn, password=watch.info.password, autocommit=True) as bystander:
                wait_until_blocked(bystander)
            worker.kill()
        return run_id


def advance(worker: Worker, point: str) -> str | None:
    run_id = None
    while (reached := worker.next_point()) != point:
        if isinstance(reached, str):
            worker.go_on()
        else:
            word, run_id = reached
            assert word == "run", f"it was over before it came to {point!r}"
    return run_id


def assert_durable(
    repository: PostgreSQLSessionRepository, session_id: str, point: str, run_id: str | None
) -> list[dict[str, Any]]:
    stored = history(repository.store, session_id)
    assert texts(stored[:2]) == ["the acknowledged prompt", "answer to the acknowledged prompt"]
    durable = [TOOL_TURN_POINTS[at] for at in DURING.get(point, (point,))]
    assert len(stored) - 2 in durable, f"killed {point}: {stored}"
    roles = ["user", "assistant"] * 3
    assert [message["role"] for message in stored] == roles[: len(stored)]
    return stored


def assert_next_turn_works(
    repository: PostgreSQLSessionRepository, session_id: str, stored: list[dict[str, Any]]
) -> None:
    seen: list[Any] = []

    def answer(messages: Any) -> str:
        seen.extend(messages)
        return "the next answer"

    hold_turn_when_free(repository, session_id, "the next prompt", answer)
    after = history(repository.store, session_id)
    assert after[: len(stored)] == stored
    assert_closed(after)
    assert texts(after[-2:]) == ["the next prompt", "the next answer"]
    assert as_the_model_sees(seen[:-1]) == as_the_model_sees(after[:-2])
    assert_valid([*seen, {"role": "assistant", "content": []}])


def as_the_model_sees(messages: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Strands keeps its own marks, such as tracking ids, from the model."""
    return [(message["role"], message["content"]) for message in messages]


@pytest.mark.parametrize("point", ["in the tool", "after the results are written"])
def test_the_state_that_tools_changed_is_as_durable_as_their_results(
    repository: PostgreSQLSessionRepository, url: str, point: str
) -> None:
    with workers(hold_tool_turn, (url, "user-123", LEASE_SECONDS)) as (worker,):
        advance(worker, point)
    agent = repository.read_agent("user-123", "default")
    assert agent is not None
    assert agent.state == ({} if point == "in the tool" else {"worked": "user-123"})
