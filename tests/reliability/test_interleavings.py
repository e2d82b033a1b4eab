"""Two clients, statement by statement: whatever of the one arrives late undoes nothing that the other was answered."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from session_store.errors import StoreUnavailableError
from session_store.postgresql import PostgreSQLStore
from session_store.records import (
    AgentMessage,
    AgentRecord,
    BegunRun,
    MessageRecord,
    MultiAgentRecord,
    RunOutcome,
    RunRequest,
    RunWrite,
    SessionRecord,
)
from session_store.session_patch import SessionPatch
from session_store.session_records import ForkRequest
from session_store.settings import StoreSettings
from tests.reliability.chaos import Chaos
from tests.reliability.chaos_proxy import ChaosProxy
from tests.reliability.turns import OWNER

NOW = "2026-11-26T10:00:00+00:00"
S, A, G = "user-123", "default", "graph"
FORK = ForkRequest("fork", A, 0)
Step = Callable[[PostgreSQLStore], object]


@pytest.fixture(scope="module")
def network(shared_database_url: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(shared_database_url, Chaos(late_seconds=(600, 600))) as proxy:
        yield proxy


@contextmanager
def opened(url: str) -> Iterator[PostgreSQLStore]:
    store = PostgreSQLStore(StoreSettings(url=url))
    with closing(store):
        yield store


def message(number: int, text: str, redaction: str | None = None) -> MessageRecord:
    body = f'{{"role":"user","content":[{{"text":"{redaction or text}"}}]}}'
    return MessageRecord(number, body, body if redaction else None, NOW, NOW)


def agent(state: str) -> AgentRecord:
    return AgentRecord(A, f'{{"by":"{state}"}}', "{}", "{}", NOW, NOW)


def request(lease_seconds: float = 30) -> RunRequest:
    return RunRequest(S, A, str(uuid.uuid4()), lease_seconds)


def turn(of: RunRequest, by: str, number: int, outcome: RunOutcome | None = None) -> RunWrite:
    return RunWrite(
        *(of.session_id, of.run_id, of.lease_seconds),
        updated_agents=[agent(by)],
        messages=[AgentMessage(A, message(number, by))],
        multi_agents=[MultiAgentRecord(G, f'{{"by":"{by}"}}')],
        outcome=outcome,
        number=1,
    )


def create(store: PostgreSQLStore, by: str) -> None:
    store.sessions.create(OWNER, SessionRecord(S, "AGENT", NOW, NOW), MultiAgentRecord(G, f'{{"by":"{by}"}}'))
    store.agents.create(OWNER, S, agent(by))
    for number in range(2):
        store.messages.create(OWNER, S, A, message(number, by), by)


def hold_turn(store: PostgreSQLStore) -> None:
    asked = request()
    begun = store.runs.begin(OWNER, asked)
    assert isinstance(begun, BegunRun)
    assert begun.agent is not None
    store.runs.write(OWNER, turn(asked, "other", begun.agent.message_count, RunOutcome("completed")))


def create_again(store: PostgreSQLStore) -> None:
    store.sessions.delete(OWNER, S)
    create(store, "other")


def fork_and_delete(store: PostgreSQLStore) -> None:
    store.sessions.fork(OWNER, S, FORK)
    store.sessions.delete(OWNER, FORK.session_id)


def redact(store: PostgreSQLStore, number: int = 0) -> None:
    store.messages.update(OWNER, S, A, message(number, "", redaction="taken back"), "taken back")


def replace_last(store: PostgreSQLStore) -> None:
    store.messages.delete_last(OWNER, S, A, 1)
    store.messages.create(OWNER, S, A, message(1, "other"), None)


# What the one client sends, and is never answered: of a run's statements the run itself has begun.
LATE_STATEMENTS: dict[str, Step] = {
    "begin": lambda store: store.runs.begin(OWNER, request()),
    "create session": lambda store: store.sessions.create(OWNER, SessionRecord(S, "AGENT", NOW, NOW)),
    "delete session": lambda store: store.sessions.delete(OWNER, S),
    "describe session": lambda store: store.sessions.patch(OWNER, S, SessionPatch("late", '{"by":"late"}')),
    "fork session": lambda store: store.sessions.fork(OWNER, S, FORK),
    "update session": lambda store: store.sessions.update(OWNER, S, "AGENT", MultiAgentRecord(G, '{"by":"late"}')),
    "create agent": lambda store: store.agents.create(OWNER, S, agent("late")._replace(agent_id="second")),
    "update agent": lambda store: store.agents.update(OWNER, S, agent("late")),
    "delete agent": lambda store: store.agents.delete(OWNER, S, A),
    "create message": lambda store: store.messages.create(OWNER, S, A, message(2, "late"), None),
    "update message": lambda store: store.messages.update(OWNER, S, A, message(0, "late"), "late"),
    "redact": lambda store: redact(store, 1),
    "delete message": lambda store: store.messages.delete_last(OWNER, S, A, 1),
    "update multi-agent": lambda store: store.multi_agents.update(OWNER, S, G, '{"by":"late"}'),
}
RUN_STATEMENTS: dict[str, Callable[[PostgreSQLStore, RunRequest], object]] = {
    "write": lambda store, run: store.runs.write(OWNER, turn(run, "late", 2)),
    "append": lambda store, run: store.runs.write(OWNER, turn(run, "late", 2)._replace(multi_agents=())),
    "commit": lambda store, run: store.runs.write(OWNER, turn(run, "late", 2, RunOutcome("completed"))),
    "renew": lambda store, run: store.runs.renew(OWNER, S, run.run_id, 30),
    "abandon": lambda store, run: store.runs.abandon(OWNER, run.run_id),
}
# What the other client does meanwhile, and is answered.
STEPS: dict[str, Step] = {
    "a turn": hold_turn,
    "a begin": lambda store: store.runs.begin(OWNER, request()),
    "a run that died": lambda store: store.runs.begin(OWNER, request(lease_seconds=0.001)),
    "described": lambda store: store.sessions.patch(OWNER, S, SessionPatch("other", '{"by":"other"}')),
    "forked and deleted": fork_and_delete,
    "deleted": lambda store: store.sessions.delete(OWNER, S),
    "created again": create_again,
    "agent updated": lambda store: store.agents.update(OWNER, S, agent("other")),
    "message redacted": redact,
    "last message replaced": replace_last,
    "multi-agent updated": lambda store: store.multi_agents.update(OWNER, S, G, '{"by":"other"}'),
}


@pytest.fixture
def watch(shared_database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM sessions")
        yield connection


def facts(watch: "psycopg.Connection[Any]") -> list[Any]:
    """Everything but leases and runs: one that begins late holds the session for a moment."""
    return watch.execute(
        """
        SELECT s.session_key::text, s.session_id, s.session_type, s.preview, s.title, s.metadata::text,
               ARRAY(SELECT a::text FROM agents a WHERE a.session_key = s.session_key ORDER BY agent_id),
               ARRAY(SELECT m::text FROM messages m WHERE m.session_key = s.session_key ORDER BY agent_id, message_id),
               ARRAY(SELECT g::text FROM multi_agents g WHERE g.session_key = s.session_key ORDER BY multi_agent_id)
        FROM sessions s ORDER BY s.session_id
        """
    ).fetchall()


# Every statement late meets a turn and a new session under the same id; these meet what they would undo, too.
PAIRS = [
    *((late, step) for late in [*LATE_STATEMENTS, *RUN_STATEMENTS] for step in ("a turn", "created again")),
    *((late, step) for late in LATE_STATEMENTS for step in ("a begin", "a run that died")),
    ("begin", "deleted"),
    ("create session", "deleted"),
    ("commit", "deleted"),
    ("describe session", "described"),
    ("fork session", "forked and deleted"),
    ("update agent", "agent updated"),
    ("delete agent", "agent updated"),
    ("update message", "message redacted"),
    ("redact", "last message replaced"),
    ("delete message", "last message replaced"),
    ("create message", "last message replaced"),
    ("update session", "multi-agent updated"),
    ("update multi-agent", "multi-agent updated"),
]
MARKS = {
    "create session": b"INSERT INTO sessions",
    "begin": b"begin_run_v5",
    "delete session": b"delete_session_v2",
    "describe session": b"update_session_v2",
    "fork session": b"fork_session_v2",
    "delete agent": b"delete_agent_v1",
    "write": b"write_run_v4",
    "commit": b"write_run_v4",
    "append": b"append_messages_v1",
    "renew": b"r.cancel_requested FROM lease",
    "abandon": b"abandon_run_v2",
}


@pytest.mark.parametrize(("late", "step"), PAIRS)
def test_what_comes_late_undoes_nothing(
    network: ChaosProxy, shared_database_url: str, watch: "psycopg.Connection[Any]", late: str, step: str
) -> None:
    with opened(shared_database_url) as other, opened(network.url) as client:
        create(other, "before")
        run = request()
        if late in RUN_STATEMENTS:
            client.runs.begin(OWNER, run)
        for _ in range(2):
            network.plan("deliver late", MARKS.get(late, b"UPDATE sessions"))
            if late == "begin":
                network.plan("cut", b"abandon_run_v2")
        with pytest.raises(StoreUnavailableError):
            LATE_STATEMENTS[late](client) if late in LATE_STATEMENTS else RUN_STATEMENTS[late](client, run)
        watch.execute("UPDATE sessions SET lease_until = clock_timestamp() WHERE run_id IS NOT NULL")
        STEPS[step](other)
        before = facts(watch)
        assert network.deliver() == 2
        assert facts(watch) == before
