"""Turns that go on from an earlier message."""

import pytest
from strands import Agent

from session_store.errors import (
    AgentNotFoundError,
    InvalidInputError,
    LeaseLostError,
    MessageNotFoundError,
    ModelFailedError,
    SessionBusyError,
)
from session_store.records import Rewind, RunOutcome
from session_store.repository import PostgreSQLSessionRepository
from session_store.session_records import ForkRequest
from session_store.store import Store
from tests.contract.noted_turns import notes, stored, texts, three_turns, turn
from tests.contract.records import agent
from tests.contract.runs import begin, expire_lease, request, write
from tests.contract.transport import Transport
from tests.support.scripted_model import ScriptedModel, UseTool

ENDED = "The turn ended here without a further message."
REWOUND = [
    (6, ["one", "answer to one", "two", "noted"], ["two"]),
    (2, ["one", "answer to one"], None),
    (1, ["one", ENDED], None),
    (0, [], None),
]


def test_a_turn_goes_on_from_an_earlier_message(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    before = stored(store, owner)
    for from_message_id, remaining, kept in REWOUND:
        last, whole = stored(store, owner), store.agents.list(owner, "s")
        turn(repository, "again", from_message_id=from_message_id)
        assert texts(stored(store, owner)) == [*remaining, "again", "answer to again"]
        assert [*stored(store, owner)][: min(from_message_id, 6)] == [*before][: min(from_message_id, 6)]
        assert notes(store, owner, "s") == kept
        removed = store.sessions.forks(owner, "s")[0]
        assert removed.removed_at
        assert stored(store, owner, removed.session_id) == last
        assert store.agents.list(owner, removed.session_id) == whole
    assert [each.session_id for each in store.sessions.list(owner).sessions] == ["s"]
    turn(repository, "and on")
    assert texts(stored(store, owner))[-2:] == ["and on", "answer to and on"]


def test_a_rewound_turn_may_use_tools_and_is_stored_in_one_piece(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    turn(repository, "again", UseTool("note", {"text": "again"}), "noted again", from_message_id=2)
    assert texts(stored(store, owner)) == ["one", "answer to one", "again", "noted again"]
    assert notes(store, owner, "s") == ["again"]


def test_a_rewound_turn_that_fails_leaves_everything_as_it_was(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    before = stored(store, owner), store.agents.list(owner, "s"), store.sessions.read(owner, "s")
    for script in ([ModelFailedError("no")], [UseTool("note", {"text": "x"}), ModelFailedError("no")]):
        with pytest.raises(Exception, match="no"):
            turn(repository, "again", *script, from_message_id=2)
        after = store.sessions.read(owner, "s")
        assert after
        assert before[2]
        assert (*before[:2], before[2]._replace(updated_at=after.updated_at)) == (
            stored(store, owner),
            store.agents.list(owner, "s"),
            after,
        )
        assert store.sessions.forks(owner, "s") == []


def test_no_turn_goes_on_from_what_is_no_message(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    before = stored(store, owner)
    for number, error in ((8, MessageNotFoundError), (4, InvalidInputError)):
        with pytest.raises(error):
            turn(repository, "again", from_message_id=number)
    with pytest.raises(AgentNotFoundError), repository.run("new", from_message_id=0):
        pass
    assert stored(store, owner) == before
    turn(repository, "the session is free")


def test_a_busy_session_is_not_rewound(store: Store, repository: PostgreSQLSessionRepository, owner: str) -> None:
    three_turns(repository)
    begin(store, owner, request())
    with pytest.raises(SessionBusyError):
        turn(repository, "again", from_message_id=0)


def test_a_run_that_lost_its_lease_removes_nothing(
    store: Store, repository: PostgreSQLSessionRepository, transport: Transport, owner: str
) -> None:
    three_turns(repository)
    before = stored(store, owner)
    late = repository.run("s", from_message_id=2)
    late.__enter__()
    Agent(model=ScriptedModel("late"), session_manager=late.session_manager, callback_handler=None)("again")
    expire_lease(transport, request()._replace(run_id=late.run_id))
    with pytest.raises(LeaseLostError):
        late.__exit__(None, None, None)
    assert stored(store, owner) == before
    assert store.sessions.forks(owner, "s") == []


def test_a_commit_that_goes_back_is_stored_once_however_often_it_arrives(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    three_turns(repository)
    begin(store, owner, asked := request())
    again = write(asked, "again", "and again", start=2, updated_agents=[agent()], number=1)
    last = again._replace(outcome=RunOutcome("completed", None, 3), rewind=Rewind("default", 2))
    assert [store.runs.write(owner, last) for _ in range(2)] == [False, False]
    assert texts(stored(store, owner)) == ["one", "answer to one", "again", "and again"]
    assert len(store.sessions.forks(owner, "s")) == 1


def test_the_answer_of_an_earlier_run_goes_with_what_a_rewind_takes_out(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    kept, removed = turn(repository, "one"), turn(repository, "two")
    turn(repository, "again", from_message_id=2)
    assert "answer to one" in str(store.runs.read(owner, kept.run_id).answer)
    old = store.runs.read(owner, removed.run_id)
    assert "answer to two" in str(old.answer)
    assert old.session_id == store.sessions.forks(owner, "s")[0].session_id


def test_deleting_a_session_deletes_what_rewinds_took_out_of_it(
    store: Store, repository: PostgreSQLSessionRepository, transport: Transport, owner: str
) -> None:
    three_turns(repository)
    for _ in range(2):
        turn(repository, "again", from_message_id=6)
    used, unused = (each.session_id for each in store.sessions.forks(owner, "s"))
    with repository.run(used):
        pass
    store.sessions.fork(owner, "s", ForkRequest("made", "default"))
    store.sessions.delete(owner, "s")
    assert [store.sessions.read(owner, each) is None for each in ("s", unused, used, "made")] == [
        True,
        True,
        False,
        False,
    ]
    assert not transport.rows(
        "SELECT FROM runs r JOIN sessions s USING (session_key) WHERE s.owner = '' AND r.owner <> ''"
    )
