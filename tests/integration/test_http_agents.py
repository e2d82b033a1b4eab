"""GET /sessions/{session_id}/agents/{agent_id}: what an agent keeps, and what it waits for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_store.postgresql import PostgreSQLStore, open_store
from session_store.records import AgentRecord, SessionRecord
from session_store.settings import StoreSettings
from tests.support.http_api import ALICE, BOB, HttpApi, load_handler

AGENT = "/sessions/{session_id}/agents/{agent_id}"
NOW = "2026-11-22T10:00:00+00:00"
QUESTION = {"id": "q1", "name": "approval", "reason": {"amount": 5}}


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    yield HttpApi(sessions=load_handler("sessions"))
    open_store(StoreSettings(url=database_url)).close()


def keep(store: PostgreSQLStore, state: str, internal_state: object = None) -> None:
    store.sessions.create(f"iam:{ALICE}", SessionRecord("s", "AGENT", NOW, NOW))
    store.agents.create(
        f"iam:{ALICE}", "s", AgentRecord("default", state, "{}", json.dumps(internal_state or {}), NOW, NOW)
    )


def interrupt_state(*, activated: bool, answered: object = None) -> dict[str, object]:
    known = {"q1": {**QUESTION, "response": None}, "q2": {"id": "q2", "name": "b", "reason": "", "response": answered}}
    return {"interrupt_state": {"interrupts": known, "context": {}, "activated": activated}}


def test_the_state_is_told_as_it_is_stored(api: HttpApi, store: PostgreSQLStore) -> None:
    state = r'{"notes":["a\u0000b","\ud800"],"n":1.10}'
    keep(store, state)
    answer = api.call("GET", AGENT, session_id="s", agent_id="default")
    assert answer.status == 200
    assert state in answer.body
    assert answer.json["interrupts"] == []


def test_it_tells_the_questions_that_wait_for_an_answer(api: HttpApi, store: PostgreSQLStore) -> None:
    keep(store, "{}", interrupt_state(activated=True, answered="yes"))
    assert api.call("GET", AGENT, session_id="s", agent_id="default").json["interrupts"] == [QUESTION]


def test_questions_that_nobody_waits_for_any_more_are_not_told(api: HttpApi, store: PostgreSQLStore) -> None:
    keep(store, "{}", interrupt_state(activated=False))
    assert api.call("GET", AGENT, session_id="s", agent_id="default").json["interrupts"] == []


def test_a_state_that_no_response_can_hold_has_its_size(api: HttpApi, store: PostgreSQLStore) -> None:
    state = json.dumps({"notes": "x" * 5_000_000})
    keep(store, state)
    answer = api.call("GET", AGENT, session_id="s", agent_id="default").json
    assert (answer["state"], answer["omitted_bytes"]) == (None, len(state))


@pytest.mark.parametrize(
    ("user", "session_id", "agent_id", "code"),
    [
        (BOB, "s", "default", "session_not_found"),
        (ALICE, "other", "default", "session_not_found"),
        (ALICE, "s", "other", "agent_not_found"),
    ],
)
def test_what_is_not_ones_own_is_not_there(
    api: HttpApi, store: PostgreSQLStore, user: str, session_id: str, agent_id: str, code: str
) -> None:
    keep(store, '{"secret": 1}')
    answer = api.call("GET", AGENT, user=user, session_id=session_id, agent_id=agent_id)
    assert (answer.status, answer.code) == (404, code)
    assert "secret" not in answer.body
