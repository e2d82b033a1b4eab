"""The schema: applied once, by whoever comes first, and worked on by a role that cannot change it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors, sql

from local.database import EmbeddedDatabase
from session_store.migrate import MigrationError, apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.turns import history, hold_turn, texts
from tests.support.scripted_model import UseTool

ROLE = "works_with_rows"


@pytest.fixture
def empty_url(postgresql_server: EmbeddedDatabase) -> Iterator[str]:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield postgresql_server.url.rpartition("/")[0] + "/empty"
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def migrate(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return apply_migrations(connection)


def schema(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            """
            SELECT relname, relkind::text, pg_get_indexdef(c.oid), c.xmin::text
            FROM pg_class c WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT proname, 'function', prosrc, xmin::text
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT name, 'migration', checksum, applied_at::text FROM schema_migrations
            ORDER BY 1, 2
            """
        ).fetchall()


def test_applying_twice_changes_nothing(empty_url: str) -> None:
    assert migrate(empty_url)[0] == "0001_create_sessions.sql"
    before = schema(empty_url)
    assert migrate(empty_url) == []
    assert schema(empty_url) == before


def test_appliers_at_once_apply_each_migration_once(empty_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        applied = list(pool.map(migrate, [empty_url] * 6))
    names = [name for each in applied for name in each]
    assert len([each for each in applied if each]) == 1
    assert names == sorted(set(names))


def test_a_migration_that_was_changed_afterwards_is_refused(empty_url: str) -> None:
    migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        connection.execute("UPDATE schema_migrations SET checksum = 'another' WHERE name LIKE '0001%'")
    before = schema(empty_url)
    with pytest.raises(MigrationError, match=r"0001_create_sessions\.sql was changed"):
        migrate(empty_url)
    assert schema(empty_url) == before


def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE runs ()")  # in the way of ours
    with pytest.raises(MigrationError, match=r'"runs" already exists, and is not the store.s: .* DATABASE_SCHEMA'):
        migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT to_regclass('sessions'), to_regclass('schema_migrations')").fetchone() == (
            None,
            None,
        )


FOREIGN = {
    "sessions": ("CREATE TABLE sessions (sid text, sess json)", '"sessions" already exists, and is not the store.s'),
    "schema_migrations": (
        "CREATE TABLE schema_migrations (version text)",
        "table schema_migrations is another application's",
    ),
    "function": (
        "CREATE FUNCTION is_leased_v1(timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        'function "is_leased_v1" already exists .* is not the store.s',
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_applications_table_is_named_in_one_sentence_and_left_alone(empty_url: str, name: str) -> None:
    statement, sentence = FOREIGN[name]
    with psycopg.connect(empty_url) as connection:
        connection.execute(statement)  # pyright: ignore[reportArgumentType]
    with pytest.raises(MigrationError, match=f"{sentence}.*: give the store a schema of its own by DATABASE_SCHEMA"):
        migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        tables = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        assert [table for (table,) in tables] == ([] if name == "function" else [name])
        assert apply_migrations(connection, "agents")[0] == "0001_create_sessions.sql"
        assert apply_migrations(connection, "agents") == []
    store = PostgreSQLStore(StoreSettings(url=empty_url, schema="agents"))
    assert hold_turn(PostgreSQLSessionRepository(store=store), "user-123", "Hello")
    store.close()


def test_what_a_role_may_not_create_is_said_in_one_sentence(
    empty_url: str, postgresql_server: EmbeddedDatabase
) -> None:
    role = sql.Identifier(ROLE)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'rows'").format(role))
        url = f"postgresql://{ROLE}:rows@127.0.0.1:{postgresql_server.port}/empty"
        try:
            with psycopg.connect(url) as worker:
                for schema in (None, "agents"):
                    with pytest.raises(MigrationError, match="may not create the store's tables: permission denied"):
                        apply_migrations(worker, schema)
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_where_no_schema_is_found_the_tables_go_to_public(empty_url: str) -> None:
    with psycopg.connect(empty_url, options="-c search_path=''") as connection:
        apply_migrations(connection)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT to_regclass('public.sessions') IS NOT NULL").fetchone() == (True,)


@pytest.fixture
def row_worker_url(database_url: str, postgresql_server: EmbeddedDatabase) -> Iterator[str]:
    role = sql.Identifier(ROLE)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'rows'").format(role))
        connection.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(role)
        )
        connection.execute(sql.SQL("REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM {}").format(role))
        connection.execute(sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(role))
        yield f"postgresql://{ROLE}:rows@127.0.0.1:{postgresql_server.port}/{connection.info.dbname}"
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_role_with_rights_on_rows_alone_does_everything(row_worker_url: str) -> None:
    store = PostgreSQLStore(StoreSettings(url=row_worker_url))
    repository = PostgreSQLSessionRepository(store=store)
    run_id = hold_turn(repository, "user-123", "Hello", UseTool("missing", {}), "answer")
    assert texts(history(store, "user-123")) == ["Hello", "answer"]
    assert repository.read_run(run_id).status == "completed"
    assert [session.session_id for session in repository.list_sessions().sessions] == ["user-123"]
    repository.delete_session("user-123")
    assert sum(store.runs.expire(0)) == sum(store.sessions.expire(0)) == 0
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE sessions ADD COLUMN more text",
        "DROP TABLE runs",
        "TRUNCATE messages",
        "CREATE TABLE more ()",
        "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION begin_run(text, text, text, uuid, interval, text, text) RETURNS int"
        " LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX ON messages (message_id)",
        "INSERT INTO schema_migrations VALUES ('9999', 'x')",
    ],
)
def test_and_cannot_change_the_schema(row_worker_url: str, statement: str) -> None:
    with psycopg.connect(row_worker_url) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())
