"""The test PostgreSQL as a new Aurora cluster looks to its master user."""

import secrets
from typing import Any

import psycopg

from infra_cdk.database import DATA_ROLE, DATABASE_NAME, MIGRATOR_ROLE
from local.database import EmbeddedDatabase


class Cluster:
    """A database as Aurora makes it: the master user owns it and is no superuser; `rds_iam` exists."""

    def __init__(self, server: EmbeddedDatabase) -> None:
        self._server, self._password = server, secrets.token_urlsafe(12)
        self._execute("CREATE ROLE rds_iam")
        self._execute(f"CREATE ROLE {MIGRATOR_ROLE} LOGIN CREATEROLE CREATEDB PASSWORD '{self._password}'")
        self._execute(f"GRANT rds_iam TO {MIGRATOR_ROLE} WITH ADMIN OPTION")
        self._execute(f"CREATE DATABASE {DATABASE_NAME} OWNER {MIGRATOR_ROLE}")

    def url_of(self, role: str) -> str:
        return f"postgresql://{role}:{self._password}@127.0.0.1:{self._server.port}/{DATABASE_NAME}"

    def let_in(self, role: str) -> None:
        """What RDS does by token, a password does here."""
        self._execute(f"ALTER ROLE {role} PASSWORD '{self._password}'")

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url_of(MIGRATOR_ROLE)) as connection:
            return connection.execute(statement.encode()).fetchall()

    def drop(self) -> None:
        self._execute(f"DROP DATABASE {DATABASE_NAME} WITH (FORCE)")
        for role in (DATA_ROLE, MIGRATOR_ROLE, "rds_iam"):
            self._execute(f"DROP ROLE IF EXISTS {role}")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(statement.encode())
