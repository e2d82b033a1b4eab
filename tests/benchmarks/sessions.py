"""What titles, search, forks and a state for each turn cost: `make bench-sessions` (about ten minutes).

The CPU is that of the connection's server process, from /proc: Linux only.
"""

import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from statistics import median
from typing import Any

import psycopg
from strands import Agent

from local.database import EmbeddedDatabase, temporary_database
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import Search, StoreSettings
from tests.benchmarks import library_imports, whole_turns
from tests.benchmarks.contest import create_database
from tests.benchmarks.runs import find_process
from tests.support.scripted_model import ScriptedModel

OWNER = "owner"
SESSIONS = 1_000_000
MESSAGES = 10_000
IMAGES, IMAGE_BYTES = 10, 3_000_000
TIMES = 20
ROUNDS, TURNS = 5, 300
WORDS_OF_A_MESSAGE = 100  # about 600 bytes, no word twice


def measure_forks(server: EmbeddedDatabase) -> Iterator[str]:
    url = create_database(server, "forks", migrated=True)
    store = PostgreSQLStore(StoreSettings(url=f"{url}?application_name=forks"))
    repository = PostgreSQLSessionRepository(owner=OWNER, store=store)
    hold_turns(repository, "s", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at)
            SELECT m.session_key, m.agent_id, n, m.message, m.created_at, m.updated_at
            FROM messages m, generate_series(2, %s - 1) n
            WHERE m.message_id = 1
            """,
            (MESSAGES,),
        )
        connection.execute("UPDATE agents SET message_count = %s", (MESSAGES,))
        connection.execute("VACUUM ANALYZE")
    process = find_process(store, url, "forks")
    before = process.cpu_milliseconds()
    took = milliseconds(lambda: repository.fork_session("s"))
    cpu = (process.cpu_milliseconds() - before) / TIMES
    yield f"a fork of {MESSAGES:,} messages of 600 bytes: {took:.0f} ms, {cpu:.0f} ms of it PostgreSQL's CPU"
    store.close()


def measure_restores(server: EmbeddedDatabase) -> Iterator[str]:
    """Of two sessions of as many messages, all of which but the last 40 are outside of the window; in turns."""
    url = create_database(server, "restores", migrated=True)
    store = PostgreSQLStore(StoreSettings(url=url))
    repository = PostgreSQLSessionRepository(owner=OWNER, store=store)
    for session_id, image_bytes in (("without", 0), ("with", IMAGE_BYTES)):
        for _ in range(IMAGES):
            hold_image_turn(repository, session_id, image_bytes)
            hold_turns(repository, session_id, 3)  # a window takes no more than 32 MB
        hold_turns(repository, session_id, 25)
    pairs = [[restore_milliseconds(repository, name) for name in ("without", "with")] for _ in range(TIMES)]
    without, with_images = (median(each) for each in zip(*pairs, strict=True))
    yield (
        f"a restore beside {IMAGES} images of {IMAGE_BYTES:,} bytes outside of the window: {with_images:.1f} ms,"
        f" without them {without:.1f} ms: {with_images / without:.2f}"
    )
    fork = milliseconds(lambda: repository.fork_session("with"))
    yield f"a fork of a session with {IMAGES} images of {IMAGE_BYTES:,} bytes, each copied: {fork:.0f} ms"
    store.close()


def hold_image_turn(repository: PostgreSQLSessionRepository, session_id: str, image_bytes: int) -> None:
    content = b"\x89PNG\r\n\x1a\n" + os.urandom(image_bytes)
    with repository.run(session_id) as run:
        agent = Agent(model=ScriptedModel("seen"), session_manager=run.session_manager, callback_handler=None)
        agent([{"text": make_text()}, {"image": {"format": "png", "source": {"bytes": content}}}])


def restore_milliseconds(repository: PostgreSQLSessionRepository, session_id: str) -> float:
    started = time.perf_counter()
    with repository.run(session_id) as run:
        Agent(model=ScriptedModel(), session_manager=run.session_manager, callback_handler=None)
        return (time.perf_counter() - started) * 1000


def measure_searches(server: EmbeddedDatabase) -> Iterator[str]:
    """A million sessions of a thousand owners, and as many of one; each with a title of five words and two messages."""
    for owners in (1000, 1):
        url = create_database(server, "searches", migrated=True)
        with psycopg.connect(url, autocommit=True) as connection:
            generate(connection, owners)
        store = PostgreSQLStore(StoreSettings(url=url, search="messages"))
        for name, took in time_searches(store).items():
            yield f"{SESSIONS:,} sessions of {owners:,} owners, {name}: {took:.1f} ms"
        store.close()


def time_searches(store: PostgreSQLStore) -> dict[str, float]:
    def search(words: str) -> float:
        return milliseconds(lambda: store.sessions.search("owner 0", words, limit=50))

    return {
        "a page of the list": milliseconds(lambda: store.sessions.list("owner 0", limit=50)),
        "a search for a rare word": search("rare77000"),
        "a search for two words": search("word7 word11"),
        "a search for a word of every session": search("common"),
    }


def generate(connection: "psycopg.Connection[Any]", owners: int) -> None:
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("DROP INDEX session_index_by_words, session_index_by_label, messages_by_words")
    connection.execute(
        """
        INSERT INTO sessions (owner, session_id, updated_at, title, error_code)
        SELECT 'owner ' || n %% %s, 's' || n, clock_timestamp() - n * interval '1 second',
               format('common word%%s word%%s word%%s word%%s', n %% 3, n %% 97, n %% 1009, n %% 10007), NULL
        FROM generate_series(0, %s - 1) n
        """,
        (owners, SESSIONS),
    )
    connection.execute(
        """
        INSERT INTO session_index
        SELECT session_key, session_labels_v1(owner, ARRAY[NULL], ARRAY[title]),
               message_words_v1(owner, 'simple', title)
        FROM sessions
        """
    )
    connection.execute(
        """
        INSERT INTO agents (session_key, agent_id, state, conversation_manager_state, internal_state,
                            removed_message_count, message_count, created_at, updated_at)
        SELECT session_key, 'default', '{}', '{}', '{}', 0, 2, '2026', '2026' FROM sessions
        """
    )
    connection.execute(
        """
        INSERT INTO messages (session_key, agent_id, message_id, message, created_at, updated_at, words)
        SELECT session_key, 'default', n,
               json_build_object('role', 'user', 'content', json_build_array(json_build_object('text', t))), '', '',
               message_words_v1(owner, 'simple', t)
        FROM sessions, generate_series(0, 1) n,
             LATERAL (SELECT title || format(' rare%s and more common words', substr(session_id, 2)::int % 100000))
                     AS texts (t)
        """
    )
    connection.execute("CREATE INDEX ON session_index USING gin (words) WITH (fastupdate = off)")
    connection.execute("CREATE INDEX ON session_index USING gin (labels) WITH (fastupdate = off)")
    connection.execute("CREATE INDEX ON messages USING gin (words) WHERE words IS NOT NULL")
    connection.execute("VACUUM ANALYZE")


def measure_turns(server: EmbeddedDatabase) -> Iterator[str]:
    """Alternately, each time in a database of its own."""
    scopes: tuple[Search, ...] = ("off", "messages", "all")
    costs: dict[Search, list[float]] = {scope: [] for scope in scopes}
    for _ in range(ROUNDS):
        for scope in scopes:
            costs[scope].append(turn_milliseconds(server, scope))
    for scope, each in costs.items():
        ratio = median(each) / median(costs["off"])
        yield f"PostgreSQL's CPU of a plain turn, SEARCH={scope}: {median(each):.3f} ms, {ratio:.2f} of it without"


def turn_milliseconds(server: EmbeddedDatabase, scope: Search) -> float:
    url = create_database(server, "turns", migrated=True)
    store = PostgreSQLStore(StoreSettings(url=f"{url}?application_name=turns", search=scope))
    repository = PostgreSQLSessionRepository(owner=OWNER, store=store)
    hold_turns(repository, "warm", 10)
    process = find_process(store, url, "turns")
    before = process.cpu_milliseconds()
    for _ in range(TURNS // 5):
        hold_turns(repository, uuid.uuid4().hex, 5)
    cpu = (process.cpu_milliseconds() - before) / TURNS
    store.close()
    return cpu


def measure_release(server: EmbeddedDatabase) -> Iterator[str]:
    """Turns of a session that goes on, and first turns."""
    with library_imports.last_release() as released:
        sources = {"released": str(released), "ours": str(library_imports.ROOT / library_imports.SOURCES)}
        databases = {source: create_database(server, name, migrated=False) for name, source in sources.items()}
        for kind, sessions, turns in (("a plain turn of a session of 80", 4, 80), ("a session's first turn", 150, 1)):
            before, now = whole_turns.measure(databases, sessions, turns).values()
            yield f"PostgreSQL's CPU of {kind}: last release {before:.3f} ms, now {now:.3f} ms: {now / before:.2f}"


def measure_growth(server: EmbeddedDatabase) -> Iterator[str]:
    url = create_database(server, "growth", migrated=True)
    store = PostgreSQLStore(StoreSettings(url=url))
    hold_turns(PostgreSQLSessionRepository(owner=OWNER, store=store), "s", 100)
    store.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM FULL")
        row = connection.execute(
            """
            SELECT pg_total_relation_size('messages'), sum(pg_column_size(message)),
                   sum(coalesce(pg_column_size(state), 0) + coalesce(pg_column_size(conversation_manager_state), 0)
                       + coalesce(pg_column_size(internal_state), 0))
            FROM messages
            """
        ).fetchone()
    assert row
    whole, bodies, states = (number / 1000 for number in row)
    yield f"100 plain turns: {whole:.0f} KB, of it {bodies:.0f} KB of messages and {states:.0f} KB of agents' states"


def hold_turns(repository: PostgreSQLSessionRepository, session_id: str, count: int) -> None:
    for _ in range(count):
        prompt, answer = make_text(), make_text()
        with repository.run(session_id) as run:
            Agent(model=ScriptedModel(answer), session_manager=run.session_manager, callback_handler=None)(prompt)


def make_text() -> str:
    return " ".join(f"w{number}" for number in random.sample(range(10_000), WORDS_OF_A_MESSAGE))


def milliseconds(work: Any) -> float:
    times: list[float] = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


def main() -> None:
    measures = {
        "growth": measure_growth,
        "forks": measure_forks,
        "restores": measure_restores,
        "turns": measure_turns,
        "release": measure_release,
        "searches": measure_searches,
    }
    with temporary_database() as server:
        for name in sys.argv[1:] or measures:
            for line in measures[name](server):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
