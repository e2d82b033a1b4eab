"""A turn as the network sees it: how often it waits, and that nothing of it pins an RDS Proxy."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from strands import Agent, tool
from strands.agent.conversation_manager import SlidingWindowConversationManager

from session_store.errors import BudgetExhaustedError, LeaseLostError, RunCancelledError, SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.records import AgentRecord, MessageRecord, SessionRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.run_events import EventBatch
from session_store.settings import OwnerBudget, StoreSettings
from tests.reliability.pinning import SOURCE_MARKS, pinning_parts
from tests.reliability.round_trips import SCRIPTS, look, turn_round_trips
from tests.reliability.turns import OWNER, agent_of, hold_turn
from tests.reliability.wire import WireProxy
from tests.support.scripted_model import ScriptedModel, UseTool
from tests.support.waiting import wait_until

NOW = "2026-11-22T10:00:00+00:00"


@pytest.mark.parametrize("session", ["a new", "a restored"])
@pytest.mark.parametrize(
    ("turn", "expected"), [("plain", 2), ("one tool", 4), ("two tools at once", 4), ("two tools", 6)]
)
def test_a_turn_makes_the_promised_round_trips(
    wired: PostgreSQLSessionRepository, wire: WireProxy, session: str, turn: str, expected: int
) -> None:
    if session == "a restored":
        hold_turn(wired, "user-123", "before")
    assert turn_round_trips(wired, wire, "user-123", turn) == expected


def test_every_message_of_a_turn_is_durable_by_the_round_trip_that_follows_it(
    wired: PostgreSQLSessionRepository, wire: WireProxy
) -> None:
    with wired.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel(*SCRIPTS["two tools"]), [look])("Hello")
    assert run.round_trips == 6
    assert wired.store.round_trips == wire.trace.round_trips


def test_nothing_pins_a_proxied_connection(wired: PostgreSQLSessionRepository, wire: WireProxy) -> None:
    for turn in SCRIPTS:
        turn_round_trips(wired, wire, "user-123", turn)
        assert pinning_parts(wire.trace) == []
    wire.reset()
    hold_many_turns(wired)
    exercise_everything_else(wired)
    exercise_admission(wired, wire)
    assert len(wire.trace.statements) > 30
    assert pinning_parts(wire.trace) == []


def hold_many_turns(repository: PostgreSQLSessionRepository) -> None:
    """More than the five executions after which psycopg would name a statement, and a failure, after which it would
    send DEALLOCATE ALL."""
    for number in range(8):
        hold_turn(repository, "user-123", f"turn {number}")
    with pytest.raises(Exception, match="the model broke"), repository.run("user-123") as run:
        agent_of(run.session_manager, ScriptedModel(RuntimeError("the model broke")))("Hello")


def exercise_everything_else(repository: PostgreSQLSessionRepository) -> None:
    store = repository.store
    with pytest.raises(LeaseLostError), repository.run("gone") as run:
        store.runs.renew(OWNER, "gone", run.run_id, 30)
        with pytest.raises(SessionBusyError), repository.run("gone"):
            pass
        repository.cancel_run(run.run_id)
        repository.read_run(run.run_id)
        repository.delete_session("gone")
    store.sessions.create(OWNER, SessionRecord("bare", "AGENT", NOW, NOW))
    store.agents.create(OWNER, "bare", AgentRecord("default", "{}", "{}", "{}", NOW, NOW))
    store.agents.update(OWNER, "bare", AgentRecord("default", "{}", "{}", "{}", NOW, NOW))
    store.messages.create(OWNER, "bare", "default", MessageRecord(0, "{}", None, NOW, NOW), "preview")
    store.messages.update(OWNER, "bare", "default", MessageRecord(0, "{}", "{}", NOW, NOW), "preview")
    store.messages.list(OWNER, "bare", "default", limit=1, order="desc")
    store.multi_agents.create(OWNER, "bare", "graph", "{}")
    store.multi_agents.update(OWNER, "bare", "graph", "{}")
    assert len(repository.list_sessions(limit=1).sessions) == 1


def exercise_admission(repository: PostgreSQLSessionRepository, wire: WireProxy) -> None:
    """Runs that wait, interrupt, spend a budget, keep their events, and are found again."""
    budget = OwnerBudget(runs_per_minute=3, tokens_per_day=100)
    with closing(PostgreSQLStore(replace(StoreSettings(url=wire.url), budget=budget))) as store:
        exercise_streams(repository, store)
        exercise_budget(PostgreSQLSessionRepository(store=store, owner=OWNER))
        list(store.runs.expire(0))


def exercise_streams(repository: PostgreSQLSessionRepository, store: PostgreSQLStore) -> None:
    with pytest.raises(RunCancelledError), repository.run("shared") as run:
        for number in (1, 2, 2):
            assert store.run_events.append(OWNER, run.run_id, EventBatch(number, number, "[1]"))
        assert [batch.first_number for batch in store.run_events.read(OWNER, run.run_id, 0).batches] == [1, 2]
        for choice in ("wait", "interrupt"):
            with pytest.raises(SessionBusyError), repository.run("shared", if_busy=choice, wait_seconds=0.3):
                pass
        wait_until(lambda: run.is_cancelled)
    with pytest.raises(LeaseLostError):
        store.run_events.append(OWNER, run.run_id, EventBatch(3, 3, "[1]"))
    store.run_events.delete(OWNER, run.run_id)
    store.run_events.find_run(OWNER, "shared", None, "hash")
    store.background_runs.claim(OWNER, run.run_id)
    store.background_runs.mark_begun(OWNER, run.run_id, run.run_id)
    store.background_runs.refuse(OWNER, run.run_id, "{}")
    store.background_runs.read(OWNER, run.run_id)


def exercise_budget(limited: PostgreSQLSessionRepository) -> None:
    for _ in range(3):
        hold_turn(limited, "limited", "Hello")
    with pytest.raises(BudgetExhaustedError), limited.run("limited"):
        pass
    store = limited.store
    assert isinstance(store, PostgreSQLStore)
    assert [day.runs for day in store.usage.read(OWNER, 1)]
    store.agents.delete(OWNER, "limited", "default")


def test_the_detector_sees_what_pins(wire: WireProxy) -> None:
    def trace_of(*statements: str, **options: Any) -> list[str]:
        wire.reset()
        with psycopg.connect(wire.url, autocommit=True, **options) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]
        return pinning_parts(wire.trace)

    assert trace_of("SELECT 1", prepare_threshold=None) == []
    assert trace_of(*["SELECT 1"] * 6, prepare_threshold=1)
    assert trace_of("SET work_mem = '1MB'", prepare_threshold=None)
    assert trace_of("SELECT set_config('a.b', 'c', true)", prepare_threshold=None)
    assert trace_of("SELECT pg_advisory_xact_lock(1)", prepare_threshold=None) == []
    assert trace_of("SELECT pg_advisory_lock(1)", prepare_threshold=None)
    assert trace_of("CREATE TEMPORARY TABLE t ()", prepare_threshold=None)
    assert trace_of("SELECT '" + "x" * 16_384 + "'", prepare_threshold=None)


def test_the_schema_holds_nothing_that_pins(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT relname FROM pg_class WHERE relkind = 'S'").fetchall() == []
        functions = connection.execute(
            "SELECT proname, prosrc, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert {"begin_run_v5", "append_messages_v1"} < {name for name, _, _ in functions}
    for _, source, settings in functions:
        # A setting of the function's own ends with its call, and the proxy sees nothing of it.
        assert {setting.partition("=")[0] for setting in settings or ()} <= {"search_path", "lock_timeout"}
        assert not SOURCE_MARKS.search(source)


def test_ten_thousand_messages_restore_like_the_window_of_forty(
    wired: PostgreSQLSessionRepository, wire: WireProxy, database_url: str
) -> None:
    def restore(session_id: str) -> tuple[int, int]:
        wire.reset()
        with wired.run(session_id) as run:
            window = SlidingWindowConversationManager(window_size=40)
            agent = agent_of(run.session_manager, ScriptedModel(), conversation_manager=window)
            rows, size = wire.trace.row_count, wire.trace.row_bytes
            assert wire.trace.round_trips == 1
            assert len(agent.messages) == run.restored_message_count == 40
        return rows, size

    fill(wired, "short", 40, removed=0, database_url=database_url)
    fill(wired, "long", 10_000, removed=9_960, database_url=database_url)
    short, long = restore("short"), restore("long")
    assert short[0] == long[0] == 40 + 1  # the row of the session and its agent before them
    assert long[1] < short[1] * 1.1


def fill(repository: PostgreSQLSessionRepository, session_id: str, count: int, removed: int, database_url: str) -> None:
    """A session with so many messages, of which the window has moved past the first `removed`."""
    with repository.run(session_id) as run:
        Agent(model=ScriptedModel(), session_manager=run.session_manager, callback_handler=None)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            WITH filled AS (
                UPDATE agents
                SET message_count = %(count)s, removed_message_count = %(removed)s,
                    conversation_manager_state = jsonb_set(
                        conversation_manager_state::jsonb, '{removed_message_count}', to_jsonb(%(removed)s::int)
                    )
                FROM sessions s
                WHERE s.session_key = agents.session_key AND s.session_id = %(session_id)s
                RETURNING agents.session_key
            )
            INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at)
            SELECT session_key, 'default', number,
                   json_build_object('role', CASE number %% 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
                                     'content', json_build_array(json_build_object('text', repeat('x', 600)))),
                   %(now)s, %(now)s
            FROM filled, generate_series(0, %(count)s - 1) AS number
            """,
            {"session_id": session_id, "count": count, "removed": removed, "now": NOW},
        )


@tool
def nothing() -> str:
    """Does nothing."""
    return "nothing"


def test_a_long_conversation_keeps_its_window(wired: PostgreSQLSessionRepository, wire: WireProxy) -> None:
    """The window moves by the manager's own hand: what it let go of is never read again."""
    for number in range(12):
        wire.reset()
        with wired.run("user-123") as run:
            window = SlidingWindowConversationManager(window_size=6)
            script = [UseTool("nothing", {})], "done"
            agent_of(run.session_manager, ScriptedModel(*script), [nothing], conversation_manager=window)(f"{number}")
        assert wire.trace.row_count <= 6 + 2 + 3, "begin read more than the window"
    assert len(wired.list_messages("user-123", "default")) == 12 * 4


def test_a_store_counts_its_own_round_trips(wire: WireProxy) -> None:
    store = PostgreSQLStore(StoreSettings(url=wire.url))
    store.ping()
    store.ping()
    assert store.round_trips == wire.trace.round_trips == 2
    store.close()
