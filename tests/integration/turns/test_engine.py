"""One turn: what it lets pass, and when it ends."""

import time
import uuid
from pathlib import Path

import pytest

from session_store.errors import InvalidIdentifierError, RunDeadlineError
from session_store.repository import PostgreSQLSessionRepository
from tests.integration.turns.turning import Turns, scripted
from tests.support.scripted_model import Say, WaitFor
from turns.events import TurnFinished, TurnStarted
from turns.projections import text, whole


def test_a_turn_has_the_run_id_of_its_caller(turns: Turns, repository: PostgreSQLSessionRepository) -> None:
    run_id = str(uuid.uuid4())
    turn = turns.begin(scripted("hi"), run_id=run_id)
    assert turn.run_id == whole.answer(turn)["run_id"] == repository.read_run(run_id).run_id
    with pytest.raises(InvalidIdentifierError):
        turns.begin(scripted("hi"), run_id="one")


def test_a_stored_turn_is_counted_once_however_often_it_is_asked_for(turns: Turns) -> None:
    key = {"idempotency_key": "k", "request_hash": "h"}
    first, again = (whole.answer(turns.begin(scripted("hi"), **key)) for _ in range(2))
    assert first == again
    assert turns.recorded == [first["usage"]]


def test_success_comes_last_and_after_the_commit(turns: Turns, repository: PostgreSQLSessionRepository) -> None:
    for event in turns.begin(scripted("hi")).events:
        if isinstance(event, TurnStarted):
            run_id = event.run_id
        assert repository.read_run(run_id).status == ("completed" if isinstance(event, TurnFinished) else "running")
    assert isinstance(event, TurnFinished)


def test_a_run_out_of_time_is_closed_and_its_session_free(
    turns: Turns, repository: PostgreSQLSessionRepository, tmp_path: Path
) -> None:
    late = turns.begin(scripted([WaitFor(tmp_path / "never")]), seconds=0.2)
    with pytest.raises(RunDeadlineError):
        whole.answer(late)
    assert repository.read_run(late.run_id).error_code == "run_deadline"
    assert whole.answer(turns.begin(scripted("again")))["response"] == "again"


def test_a_slow_reader_keeps_no_agent_at_work_beyond_its_time(turns: Turns, tmp_path: Path) -> None:
    build = scripted([Say("one two three"), WaitFor(tmp_path / "gate"), Say("four")])
    turn = turns.begin(build, seconds=1.0)
    next(turn.events)
    time.sleep(1.0)
    with pytest.raises(RunDeadlineError):
        list(turn.events)


def test_a_slow_reader_gets_what_was_done_in_time(turns: Turns) -> None:
    turn = turns.begin(scripted("in time"), seconds=1.0)
    time.sleep(1.0)
    assert "".join(text.chunks(turn)) == "in time"
