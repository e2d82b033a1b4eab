"""The migrate function against a real PostgreSQL, with the properties that the stack gives it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import conninfo

from local.database import EmbeddedDatabase


@pytest.fixture
def migrator_url(postgresql_server: EmbeddedDatabase) -> Iterator[str]:
    """An empty database; `rds_iam` exists as on RDS, and the migrator owns nothing yet."""
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE fresh")
        connection.execute("CREATE ROLE rds_iam")
        yield conninfo.make_conninfo(postgresql_server.url, dbname="fresh")
        connection.execute("DROP DATABASE fresh WITH (FORCE)")
        connection.execute("DROP ROLE rds_iam")
        connection.execute("DROP ROLE IF EXISTS sessions_app")
