import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from session_store._database import Database
from session_store.errors import SessionBusyError, StoreUnavailableError
from session_store.records import ValueWrite
from session_store.sending import Sending
from session_store.server_store import ValuePage

from .expiry import delete_in_batches

_PAGE_VALUES = 64


class PostgreSQLValues:
    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, owner: str, value: ValueWrite) -> None:
        self._database.send(partial(self._write, owner, value))

    def _write(self, owner: str, value: ValueWrite, sending: Sending) -> None:
        refusals = self._database.fetch(
            """
            SELECT holder::text, seconds_left, database_time
            FROM {write_value_v2}(%(owner)s, %(key)s, %(data)s::bytea, %(lifetime_seconds)s::float8,
                                  %(sent_at)s::float8)
            """,
            {"owner": owner, "sent_at": sending.sent_at, **value._asdict()},
        ).rows
        for holder, seconds_left, database_time in refusals:
            if database_time is not None:
                raise StoreUnavailableError("the value was written since this was sent", database_time=database_time)
            raise SessionBusyError(holder, seconds_left)

    def read(self, owner: str, key: str) -> bytes | None:
        rows = self._database.fetch(
            """
            SELECT chunk
            FROM {stored_values}
            WHERE owner = %(owner)s AND key = %(key)s AND (expires_at IS NULL OR expires_at > clock_timestamp())
            ORDER BY chunk_number
            """,
            {"owner": owner, "key": key},
        ).rows
        return b"".join(chunk for (chunk,) in rows) if rows else None

    def list(self, owner: str, prefix: str) -> list[str]:
        rows = self._database.fetch(
            """
            SELECT key
            FROM {stored_values}
            WHERE owner = %(owner)s AND starts_with(key, %(prefix)s::text) AND chunk_number = 0
              AND (expires_at IS NULL OR expires_at > clock_timestamp())
            ORDER BY key
            """,
            {"owner": owner, "prefix": prefix},
        ).rows
        return [key for (key,) in rows]

    def page(self, owner: str, prefix: str, *, after: str = "") -> ValuePage:
        return self._database.fetch(
            """
            SELECT v.key, string_agg(v.chunk, ''::bytea ORDER BY v.chunk_number)
            FROM {stored_values} v
            WHERE v.owner = %(owner)s AND v.key IN (
                SELECT key
                FROM {stored_values}
                WHERE owner = %(owner)s AND starts_with(key, %(prefix)s::text) AND key > %(after)s AND chunk_number = 0
                  AND (expires_at IS NULL OR expires_at > clock_timestamp())
                ORDER BY key
                LIMIT %(limit)s
            )
            GROUP BY v.key
            ORDER BY v.key
            """,
            {"owner": owner, "prefix": prefix, "after": after, "limit": _PAGE_VALUES},
        ).rows

    def expire(self, batch_size: int = 500) -> Iterator[int]:
        return delete_in_batches(
            self._database,
            """
            DELETE FROM {stored_values}
            WHERE ctid = ANY (ARRAY(
                SELECT ctid
                FROM {stored_values}
                WHERE expires_at < statement_timestamp() AND expires_at > '-infinity'
                ORDER BY expires_at
                LIMIT %(batch_size)s
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING 1
            """,
            batch_size,
        )


def dump_values(values: Sequence[ValueWrite]) -> dict[str, Any]:
    """The parameters of write_run_values. One text of bytes: psycopg takes long for a list of them."""
    return {
        "value_keys": [value.key for value in values],
        "value_sizes": [None if value.data is None else len(value.data) for value in values],
        "value_data": b"".join(value.data or b"" for value in values),
        "value_lifetimes": [value.lifetime_seconds for value in values],
    }


def parse_snapshots(keys_and_values: Sequence[str] | None) -> Mapping[str, bytes] | None:
    """What read_snapshots answers."""
    if keys_and_values is None:
        return None
    keys, values = keys_and_values[::2], keys_and_values[1::2]
    return {key: base64.b64decode(value) for key, value in zip(keys, values, strict=True)}
