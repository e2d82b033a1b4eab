"""The migrate function against a real PostgreSQL, with the properties that the stack gives it."""

from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from functions.migrate.handler import handler
from infra_cdk.database import DATA_ROLE, MIGRATOR_ROLE
from infra_cdk.migration import make_properties
from infra_cdk.settings import Settings
from session_store.migrate import MigrationError
from session_store.postgresql import PostgreSQLStore
from session_store.records import SessionRecord
from session_store.settings import StoreSettings
from tests.infra.cluster import Cluster

DIRECT = Settings(proxy=False)


@pytest.fixture(autouse=True)
def environment_of_the_function(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", cluster.url_of(MIGRATOR_ROLE))


def ask(request_type: str, settings: Settings = DIRECT) -> dict[str, Any]:
    """As CloudFormation sends them: every value is text."""
    properties = {name: str(value) for name, value in make_properties(settings).items()}
    return handler({"RequestType": request_type, "ResourceProperties": properties}, None)


@pytest.fixture
def app_url(cluster: Cluster) -> str:
    ask("Create")
    cluster.let_in(DATA_ROLE)
    return cluster.url_of(DATA_ROLE)


def test_create_applies_the_schema_and_update_finds_nothing_to_do(cluster: Cluster) -> None:
    assert "0001_create_sessions.sql" in ask("Create")["Data"]["Applied"].split(",")
    again = ask("Update")
    assert again["Data"]["Applied"] == ""
    assert again["PhysicalResourceId"] == ask("Update")["PhysicalResourceId"]


@pytest.mark.parametrize("schema", [None, "agents"])
def test_the_data_role_reads_and_writes_rows(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, schema: str | None
) -> None:
    monkeypatch.setenv("DATABASE_SCHEMA", schema or "")
    ask("Create")
    cluster.let_in(DATA_ROLE)
    store = PostgreSQLStore(StoreSettings(url=cluster.url_of(DATA_ROLE), schema=schema))
    now = "2026-01-01T00:00:00+00:00"
    store.sessions.create("owner", SessionRecord("one", "AGENT", now, now))
    assert store.sessions.read("owner", "one") is not None
    store.sessions.delete("owner", "one")
    assert store.sessions.read("owner", "one") is None
    store.close()


FORBIDDEN = [
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE sessions ADD COLUMN mine int",
    "DROP TABLE messages",
    "TRUNCATE messages",
    "UPDATE schema_migrations SET checksum = ''",
    "DELETE FROM schema_migrations",
    "CREATE ROLE mine",
]


def is_refused(url: str, statement: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            connection.execute(statement.encode())
    except errors.InsufficientPrivilege:
        return True
    return False


def test_the_data_role_can_do_nothing_else(app_url: str) -> None:
    assert [statement for statement in FORBIDDEN if not is_refused(app_url, statement)] == []


@pytest.mark.parametrize(("settings", "idle_session"), [(DIRECT, "1min"), (Settings(), "0")])
def test_the_data_roles_time_is_limited(cluster: Cluster, settings: Settings, idle_session: str) -> None:
    ask("Create", settings)
    cluster.let_in(DATA_ROLE)
    with psycopg.connect(cluster.url_of(DATA_ROLE)) as connection:
        limits = [
            connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")
        ]
    assert limits == [("10s",), ("10s",), (idle_session,)]


def test_the_data_role_signs_in_by_iam(app_url: str) -> None:
    with psycopg.connect(app_url) as connection:
        assert connection.execute("SELECT pg_has_role(current_user, 'rds_iam', 'member')").fetchone() == (True,)


def test_a_failed_migration_fails_the_deployment_and_grants_nothing(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url_of(MIGRATOR_ROLE)) as connection:
        connection.execute(
            "CREATE TABLE schema_migrations (name text PRIMARY KEY, checksum text, applied_at timestamptz)"
        )
        connection.execute("INSERT INTO schema_migrations VALUES ('0001_create_sessions.sql', 'another', now())")
    with pytest.raises(MigrationError, match="0001_create_sessions"):
        ask("Create")
    with psycopg.connect(cluster.url_of(MIGRATOR_ROLE)) as connection:
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (DATA_ROLE,)).rowcount == 0


def test_delete_leaves_the_database_as_it_is(app_url: str) -> None:
    assert ask("Delete")["PhysicalResourceId"]
    with psycopg.connect(app_url) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)
