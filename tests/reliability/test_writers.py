"""Several processes on one session."""

from pathlib import Path

import pytest

from session_store.repository import PostgreSQLSessionRepository
from tests.reliability.processes import workers
from tests.reliability.turns import assert_closed, history, texts
from tests.reliability.workers import hold_turns
from tests.support.scripted_model import read_calls


@pytest.mark.parametrize(("writers", "turns"), [(2, 50), (8, 1)])
def test_writers_on_one_session_lose_double_and_misorder_nothing(
    repository: PostgreSQLSessionRepository, url: str, tmp_path: Path, writers: int, turns: int
) -> None:
    calls = tmp_path / "calls"
    work = [(url, "user-123", f"writer {number} turn", turns, calls) for number in range(writers)]
    with workers(hold_turns, *work) as started:
        for worker in started:
            assert worker.next_point() == "ready"
        for worker in started:
            worker.go_on()
        busy = sum(worker.next_point()[1] for worker in started)

    said = texts(history(repository.store, "user-123"))
    prompts = said[::2]
    assert_closed(history(repository.store, "user-123"))
    assert said[1::2] == [f"answer to {prompt}" for prompt in prompts]
    assert sorted(prompts) == sorted(
        f"writer {number} turn {turn}" for number in range(writers) for turn in range(turns)
    )
    for number in range(writers):
        own = [prompt for prompt in prompts if prompt.startswith(f"writer {number} ")]
        assert own == [f"writer {number} turn {turn}" for turn in range(turns)]
    # Each model call saw the whole history before it, and whoever found the session busy made none.
    assert busy > 0
    assert sorted(len(call["messages"]) for call in read_calls(calls)) == list(range(1, 2 * writers * turns, 2))
