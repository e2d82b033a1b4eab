"""A CloudFormation custom resource: the schema, and the role that reads and writes its rows.

It signs in as the cluster's master user, by IAM like everyone: nobody has a password. An error that leaves here fails
the deployment. Deleting the resource leaves the database as it is.
"""

import os
from collections.abc import Mapping
from typing import Any

from psycopg import sql

from session_store.connection import Connection, connect
from session_store.migrate import DEFAULT_SCHEMA, apply_migrations
from session_store.settings import StoreSettings

PHYSICAL_ID = "session-schema"

# Setting of the role: the property that holds its seconds; 0 turns a limit off.
_TIMEOUTS = {
    "statement_timeout": "StatementTimeoutSeconds",
    "idle_in_transaction_session_timeout": "IdleInTransactionTimeoutSeconds",
    "idle_session_timeout": "IdleSessionTimeoutSeconds",
}


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": PHYSICAL_ID}
    settings = StoreSettings.from_environment(os.environ)
    with connect(settings) as connection:
        applied = apply_migrations(connection, settings.schema)
        with connection.transaction():
            _prepare_data_role(connection, settings.schema or DEFAULT_SCHEMA, event["ResourceProperties"])
    return {"PhysicalResourceId": PHYSICAL_ID, "Data": {"Applied": ",".join(applied)}}


def _prepare_data_role(connection: Connection, schema: str, properties: Mapping[str, Any]) -> None:
    name = properties["DataRole"]
    role = sql.Identifier(name)
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %(name)s", {"name": name}).rowcount:
        connection.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(role=role))
    connection.execute(sql.SQL("GRANT rds_iam TO {role}").format(role=role))
    for setting, seconds in _TIMEOUTS.items():
        limit = sql.Literal(int(properties[seconds]) * 1000)
        assign = sql.SQL("ALTER ROLE {role} SET {setting} = {limit}")
        connection.execute(assign.format(role=role, setting=sql.Identifier(setting), limit=limit))
    _grant_rows(connection, sql.Identifier(schema), role)


def _grant_rows(connection: Connection, schema: sql.Identifier, role: sql.Identifier) -> None:
    """Rows and nothing else: no table of its own, not even a temporary one, and no hand on the migrations' record."""
    database = sql.Identifier(connection.info.dbname)
    for statement in (
        sql.SQL("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"),
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {role}"),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"),
        sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {schema}.schema_migrations FROM {role}"),
        sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"),
    ):
        connection.execute(statement.format(database=database, schema=schema, role=role))
