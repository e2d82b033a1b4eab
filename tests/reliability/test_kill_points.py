"""`kill -9` before and after every statement of runs with questions, with several agents, with a Graph or a Swarm."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from session_store.errors import InterruptAnsweredError
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.dying import Turns, hold_dying_turn
from tests.reliability.processes import Worker
from tests.reliability.turns import OWNER, agent_of, assert_closed, assert_valid, history, texts
from tests.support.scripted_model import ScriptedModel


class Session:
    """A session in which a run was killed, and what its tools did."""

    def __init__(self, repository: PostgreSQLSessionRepository, session_id: str, effects: Path) -> None:
        self.repository, self.session_id = repository, session_id
        self.turns = Turns(repository, session_id, effects)
        self._effects = effects

    @property
    def effects(self) -> list[str]:
        return self._effects.read_text().splitlines() if self._effects.exists() else []

    def waits(self) -> list[str]:
        with self.repository.run(self.session_id) as run:
            return list(run.interrupts)

    def assert_goes_on(self, *agent_ids: str) -> None:
        """A next turn of each agent works, with a history that models take, and leaves a closed one."""
        with self.repository.run(self.session_id) as run:
            for agent_id in agent_ids:
                model = ScriptedModel("fine")
                agent_of(run.session_manager, model, agent_id=agent_id)("next")
                assert_valid([*model.calls[0]["messages"], {"role": "assistant", "content": []}])
        for agent_id in agent_ids:
            assert_closed(history(self.repository.store, self.session_id, agent_id))


def after_asking(session: Session) -> None:
    if session.waits():
        session.turns.hold("answer")
    after_answering(session)


def after_answering(session: Session) -> None:
    """It waits for its answer still, or has had it: the tool that was approved runs once, or nobody asks again."""
    if questions := session.waits():
        assert "transfer" not in session.effects
        session.turns.hold("answer")
    elif "transfer" in session.effects:
        with session.repository.run(session.session_id) as run, pytest.raises(InterruptAnsweredError):
            run.check_answers(run.answered_interrupts)
    session.assert_goes_on("default")
    effects = session.effects
    assert sorted(set(effects)) == sorted(effects), effects
    assert "transfer" in effects or not questions


def after_two_agents(session: Session) -> None:
    session.assert_goes_on("default", "second")
    assert sorted(set(session.effects)) == sorted(session.effects)


def after_a_graph(session: Session) -> None:
    session.turns.hold("graph")
    assert_nodes_ran(session)


def after_a_swarm(session: Session) -> None:
    session.turns.hold("swarm")
    assert_nodes_ran(session)


def assert_nodes_ran(session: Session) -> None:
    """Strands repeats the node that was at work; after a whole run, all of them."""
    effects = session.effects
    assert set(effects) == {"first", "second", "third"}
    assert max(effects.count(name) for name in effects) <= 2


def after_answering_in_a_graph(session: Session) -> None:
    """It waits for its answer still, or goes on from there without the tool, which may have run or not."""
    state = session.repository.read_multi_agent(session.session_id, "many")
    assert state
    session.turns.hold("answer_in_graph" if state["status"] == "interrupted" else "go_on_in_graph")
    assert session.effects in ([], ["transfer"])
    assert session.effects or state["status"] == "executing"


def after_answering_through_another_agent(session: Session) -> None:
    if session.waits():
        session.turns.hold("answer_through")
    session.turns.hold("go_on_through")
    assert session.effects in ([], ["transfer"])
    session.assert_goes_on("default", "second")


def after_talking_again(session: Session) -> None:
    """The history that was to be replaced stands as it was, or the new one does and the old one is kept as a fork."""
    store = session.repository.store
    stored, forks = texts(history(store, session.session_id)), store.sessions.forks(OWNER, session.session_id)
    if stored != TALKED:
        assert stored == ["something", "said", "something else", "said otherwise"]
        (removed,) = forks
        assert texts(history(store, removed.session_id)) == TALKED
    assert bool(forks) == (stored != TALKED)
    session.assert_goes_on("default")
    assert texts(history(store, session.session_id))[: len(stored)] == stored


TALKED = ["something", "said", "something", "said"]
RUNS: dict[str, tuple[tuple[str, ...], Callable[[Session], None]]] = {
    "ask": ((), after_asking),
    "answer": (("ask",), after_answering),
    "two": ((), after_two_agents),
    "graph": ((), after_a_graph),
    "swarm": ((), after_a_swarm),
    "answer_through": (("ask_through",), after_answering_through_another_agent),
    "answer_in_graph": (("ask_in_graph",), after_answering_in_a_graph),
    "talk_again": (("talk", "talk"), after_talking_again),
}
"""The run that is killed: those before it, and what must hold after it."""


@pytest.fixture
def repository(database_url: str) -> Iterator[PostgreSQLSessionRepository]:
    store = PostgreSQLStore(StoreSettings(url=database_url))
    yield PostgreSQLSessionRepository(store=store)
    store.close()


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_killed_at_any_statement_leaves_what_the_next_one_can_go_on_from(
    repository: PostgreSQLSessionRepository,
    database_url: str,
    watch: "psycopg.Connection[Any]",
    tmp_path: Path,
    kind: str,
) -> None:
    before, check = RUNS[kind]
    for at in count(1):
        for side in ("before", "after"):
            session = Session(repository, f"{kind} {at} {side}", tmp_path / f"{at} {side}")
            for each in before:
                session.turns.hold(each)
            worker = Worker(
                hold_dying_turn, database_url, session.session_id, kind, tmp_path / f"{at} {side}", at, side
            )
            if (statements := worker.last_word()) is not None:
                assert statements == at - 1
                assert at > 4
                return
            watch.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL")
            check(session)
