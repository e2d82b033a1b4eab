"""What an error of psycopg means to the store: whether to try again, and as which of the store's errors it leaves."""

import psycopg
from psycopg import errors as postgresql

from .errors import ConfigurationError, InvalidInputError, SessionStoreError, StoreUnavailableError

NOT_STORABLE = "is larger, deeper or other than PostgreSQL can store"

# The server ended or refused the connection, or a failover left us on a reader: a new connection may do better.
NEEDS_NEW_CONNECTION = (
    postgresql.AdminShutdown,
    postgresql.CrashShutdown,
    postgresql.CannotConnectNow,
    postgresql.IdleSessionTimeout,
    postgresql.ReadOnlySqlTransaction,
)
ROLLED_BACK = (postgresql.SerializationFailure, postgresql.DeadlockDetected)
NOT_FOUND = (postgresql.UndefinedTable, postgresql.UndefinedFunction)
_NOT_MIGRATED = (
    postgresql.UndefinedTable,
    postgresql.UndefinedColumn,
    postgresql.UndefinedFunction,
    postgresql.InvalidSchemaName,
    postgresql.InsufficientPrivilege,
)
_NOT_STORABLE_ERRORS = (psycopg.DataError, postgresql.ProgramLimitExceeded, postgresql.StatementTooComplex)
# Connections, resources, an operator, the machine, a fault within the server; then: on a reader, or out of some time.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_CLASSES = ("08", "53", "57", "58", "XX")
_PASSING_STATES = ("25006", "25P03", "25P04", "55P03")


def is_transient(error: psycopg.Error) -> bool:
    """Whether the same statement may succeed now."""
    if isinstance(error, ROLLED_BACK):
        return True
    if error.sqlstate is None:  # it is libpq or psycopg that speaks: the connection broke, or could not be made
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] in _PASSING_CLASSES or error.sqlstate in _PASSING_STATES


def is_undone(error: psycopg.Error) -> bool:
    """Whether nothing of the statement can have been committed: the server said so and goes on."""
    return error.sqlstate is not None and error.sqlstate[:2] not in ("08", "57", "58", "XX")


def translate(error: psycopg.Error) -> SessionStoreError:
    if isinstance(error, _NOT_STORABLE_ERRORS):
        return InvalidInputError("value", NOT_STORABLE)
    if isinstance(error, _NOT_MIGRATED):
        return ConfigurationError(f"the database lacks this version's schema, or its role a right: {error}")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or is_transient(error):
        return StoreUnavailableError(f"the database does not answer ({type(error).__name__})")
    return SessionStoreError(f"the database refuses a statement ({type(error).__name__})")
