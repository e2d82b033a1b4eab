"""The HTTP transport where the way to the session backend fails."""

import json
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from session_store.errors import (
    AlreadyExistsError,
    ConfigurationError,
    LeaseLostError,
    SessionBusyError,
    SessionNotFoundError,
    StoreUnavailableError,
    TooLargeError,
)
from session_store.http import HttpStore
from session_store.records import AgentMessage, BegunRun, RunOutcome, RunRequest, RunWrite
from session_store.settings import StoreSettings
from tests.contract.records import add_session, agent, message, session
from tests.support.relay import Fate, Relay

OWNER = "alice"
LOST: list[Fate] = [
    "lose the answer",
    "cut the status line",
    "cut the headers",
    "cut the body",
    "cut between chunks",
]


@pytest.fixture
def session_id() -> str:
    return f"s-{uuid.uuid4()}"


def run_of(session_id: str) -> RunRequest:
    return RunRequest(session_id, "default", str(uuid.uuid4()), 60)


def write_of(asked: RunRequest, outcome: RunOutcome | None) -> RunWrite:
    messages = [AgentMessage("default", message(1, "a")), AgentMessage("default", message(2, "b"))]
    return RunWrite(asked.session_id, asked.run_id, 60, messages=messages, outcome=outcome)


COMPLETED = RunOutcome("completed", "{}", 2)


@pytest.mark.parametrize("fate", [*LOST, "lose the request", (503, ""), (502, ""), (429, "")])
def test_a_request_whose_answer_is_lost_is_done_once(
    store: HttpStore, relay: Relay, session_id: str, fate: Fate
) -> None:
    def twice(call: Callable[[], object]) -> object:
        relay.fates.append(fate)
        result = call()
        assert relay.fates == []
        return result

    twice(lambda: store.sessions.create(OWNER, session(session_id)))
    twice(lambda: store.agents.create(OWNER, session_id, agent()))
    assert twice(lambda: store.messages.create(OWNER, session_id, "default", message(0), "Hello")) == 0
    twice(lambda: store.multi_agents.create(OWNER, session_id, "graph", "{}"))
    asked = run_of(session_id)
    begun = twice(lambda: store.runs.begin(OWNER, asked))
    assert isinstance(begun, BegunRun)
    assert [*begun.messages] == [message(0)]
    assert twice(lambda: store.runs.write(OWNER, write_of(asked, None))) is False
    assert twice(lambda: store.runs.write(OWNER, write_of(asked, COMPLETED))) is False
    assert store.runs.read(OWNER, asked.run_id).status == "completed"
    assert twice(lambda: store.messages.list(OWNER, session_id, "default")) == [
        message(0),
        message(1, "a"),
        message(2, "b"),
    ]
    twice(lambda: store.sessions.delete(OWNER, session_id))
    assert store.sessions.read(OWNER, session_id) is None


def test_a_repeated_message_that_counts_from_0_again_is_stored_once(
    store: HttpStore, relay: Relay, session_id: str
) -> None:
    add_session(store, OWNER, "Hello", session_id=session_id)
    store.agents.update(OWNER, session_id, agent(removed_message_count=5))
    relay.fates.append("lose the answer")
    again = message(0, "again")._replace(created_at="2026-11-22T11:00:00+00:00")
    assert store.messages.create(OWNER, session_id, "default", again, None) == 1
    assert [*store.messages.list(OWNER, session_id, "default")] == [message(0), again._replace(message_id=1)]


def test_a_repeated_creation_that_meets_another_ones_is_refused(
    store: HttpStore, relay: Relay, session_id: str
) -> None:
    add_session(store, OWNER, "Hello", session_id=session_id)
    store.multi_agents.create(OWNER, session_id, "graph", "{}")
    later = "2027-01-01T00:00:00+00:00"
    creations = (
        lambda: store.sessions.create(OWNER, session(session_id)._replace(created_at=later)),
        lambda: store.agents.create(OWNER, session_id, agent()._replace(created_at=later)),
        lambda: store.messages.create(OWNER, session_id, "default", message(0, "Other"), "Other"),
        lambda: store.multi_agents.create(OWNER, session_id, "graph", '{"other":1}'),
    )
    for create in creations:
        relay.fates.append("lose the answer")
        with pytest.raises(AlreadyExistsError):
            create()
    stored = store.messages.read(OWNER, session_id, "default", 0)
    assert stored == message(0, "Hello")


def test_a_repeated_creation_that_a_run_has_come_between_is_done(
    store: HttpStore, relay: Relay, session_id: str
) -> None:
    words = {"error": "ConflictError", "message": "run r holds the session", "request_id": "r"}
    busy = {"code": "session_busy", "detail": words, "attributes": {"run_id": "r", "retry_after_seconds": 9.0}}
    fates: list[Fate] = ["lose the answer", (409, json.dumps(busy))]
    store.sessions.create(OWNER, session(session_id))
    relay.fates += fates
    store.agents.create(OWNER, session_id, agent())
    relay.fates += fates
    assert store.messages.create(OWNER, session_id, "default", message(0), "Hello") == 0
    relay.fates += fates
    store.multi_agents.create(OWNER, session_id, "graph", "{}")

    relay.fates += ["lose the request", (409, json.dumps(busy))]
    with pytest.raises(SessionBusyError, match="run r holds the session"):
        store.messages.create(OWNER, session_id, "default", message(1), None)


def test_a_repeated_commit_of_a_run_that_lost_its_session_is_refused(
    store: HttpStore, relay: Relay, session_id: str
) -> None:
    asked = run_of(session_id)
    store.runs.begin(OWNER, asked)
    store.sessions.delete(OWNER, session_id)
    relay.fates.append("lose the answer")
    with pytest.raises(LeaseLostError):
        store.runs.write(OWNER, write_of(asked, COMPLETED))


def test_a_deletion_that_finds_nothing_the_first_time_is_refused(store: HttpStore, session_id: str) -> None:
    with pytest.raises(SessionNotFoundError):
        store.sessions.delete(OWNER, session_id)


@pytest.mark.parametrize("fate", ["lose the request", *LOST, (503, "away"), (502, "")])
def test_a_backend_that_is_away_twice_is_unavailable(store: HttpStore, relay: Relay, fate: Fate) -> None:
    relay.fates += [fate, fate]
    with pytest.raises(StoreUnavailableError):
        store.sessions.read(OWNER, "s")
    assert len(relay.requests) == 2
    assert store.sessions.read(OWNER, "s") is None


def test_a_gateway_that_ran_out_of_time_is_not_asked_again(store: HttpStore, relay: Relay) -> None:
    relay.fates.append((504, ""))
    with pytest.raises(StoreUnavailableError):
        store.sessions.read(OWNER, "s")
    assert len(relay.requests) == 1


@pytest.mark.parametrize("fate", [(404, "<html>"), (200, "<html>"), (200, "[]"), (302, ""), (401, "{}"), (403, "{}")])
def test_what_is_no_session_backend_is_a_configuration_error(store: HttpStore, relay: Relay, fate: Fate) -> None:
    relay.fates.append(fate)
    with pytest.raises(ConfigurationError, match="session backend"):
        store.sessions.read(OWNER, "s")


def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(StoreUnavailableError, match="ConnectionRefusedError"):
        HttpStore(StoreSettings(url=url)).sessions.read(OWNER, "s")


def test_a_backend_that_never_answers_is_unavailable_and_is_not_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = HttpStore(StoreSettings(url=f"http://127.0.0.1:{silent.getsockname()[1]}", read_timeout_seconds=0.2))
        with pytest.raises(StoreUnavailableError, match="TimeoutError"):
            store.sessions.read(OWNER, "s")
        assert store.round_trips == 1


def test_an_answer_may_take_as_long_after_a_server_has_closed_the_connection(relay: Relay) -> None:
    settings = StoreSettings(url=relay.url, connect_timeout_seconds=1, read_timeout_seconds=30)
    store = HttpStore(settings)
    relay.fates += ["close after the answer", "answer after 1.5 s"]
    store.sessions.read(OWNER, "s")
    assert store.sessions.read(OWNER, "s") is None
    assert (len(relay.requests), relay.connections) == (2, 2)
    store.close()


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///x", "http://host:80o1", "http://host:99999", "https://host/?a=b", "https://user:secret@host"],
)
def test_a_url_that_leads_nowhere_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SESSION_BACKEND_URL"):
        HttpStore(StoreSettings(url=url))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_are_none_are_a_configuration_error(tmp_path: Path, content: str | None) -> None:
    authorities = tmp_path / "authorities.pem"
    if content:
        authorities.write_text(content)
    with pytest.raises(ConfigurationError, match="DATABASE_CA_FILE"):
        HttpStore(StoreSettings(url="https://host", ca_file=str(authorities)))


def test_one_connection_carries_all_requests(store: HttpStore, relay: Relay, session_id: str) -> None:
    add_session(store, OWNER, "Hello", session_id=session_id)
    store.sessions.delete(OWNER, session_id)
    assert len(relay.requests) == 4
    assert relay.connections == 1


def test_a_write_that_lambda_would_not_take_is_refused_before_it_is_sent(
    store: HttpStore, relay: Relay, session_id: str
) -> None:
    asked = run_of(session_id)
    store.runs.begin(OWNER, asked)
    sent = len(relay.requests)
    big = [AgentMessage("default", message(number, "x" * 3_000_000)) for number in range(2)]
    write = RunWrite(
        session_id, asked.run_id, 60, created_agents=[agent()], messages=big, outcome=RunOutcome("completed")
    )
    with pytest.raises(TooLargeError, match="carries at most 5000000"):
        store.runs.write(OWNER, write)
    assert len(relay.requests) == sent
    assert store.agents.read(OWNER, session_id, "default") is None
    assert store.runs.write(OWNER, write._replace(messages=big[:1])) is False
