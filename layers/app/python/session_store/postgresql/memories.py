import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from psycopg.errors import UndefinedObject

from session_store._database import Database
from session_store.connection import Statement
from session_store.errors import InvalidInputError, MemoryNotFoundError, StoreUnavailableError
from session_store.records import FoundMemory, MemoryPage, MemoryQuery, MemoryRecord, NewMemory
from session_store.sending import Sending

from .cursors import NEWEST, dump_cursor, parse_cursor
from .expiry import delete_in_batches

_COLUMNS: Statement = """
    m.memory_id::text, m.store_name, m.content, m.metadata::text,
    {iso_timestamp_v1}(m.created_at), {iso_timestamp_v1}(m.updated_at)
"""
# A memory's worth halves with each half-life. Any word of the query is enough; more of them rank higher.
_FOUND: Statement = """
    WITH query AS (
        SELECT replace(plainto_tsquery(%(language)s::regconfig, %(text)s)::text, ' & ', ' | ')::tsquery AS words
    ), mine AS (
        SELECT m.*, 0.5 ^ least(1000, extract(epoch FROM clock_timestamp() - m.updated_at)::float8
                                      / %(half_life_seconds)s::float8) AS worth
        FROM {memories} m
        WHERE m.owner = %(owner)s AND m.store_name = %(store_name)s AND m.metadata @> %(metadata)s::jsonb
          AND (m.expires_at IS NULL OR m.expires_at > clock_timestamp())
    ), by_words AS (
        SELECT m.memory_id, ts_rank(m.words, q.words) * m.worth AS score,
               row_number() OVER (ORDER BY ts_rank(m.words, q.words) * m.worth DESC, m.updated_at DESC) AS place
        FROM mine m JOIN query q ON m.words @@ q.words
        ORDER BY place
        LIMIT %(candidates)s
    )
"""
# Reciprocal rank fusion, k = 60: first comes what both orders have near their top (Cormack, Clarke, Büttcher 2009).
_FUSED: Statement = """
    , by_meaning AS (
        SELECT m.memory_id,
               row_number() OVER (ORDER BY (m.embedding::vector <=> %(embedding)s::real[]::vector) / m.worth) AS place
        FROM mine m
        WHERE cardinality(m.embedding) = cardinality(%(embedding)s::real[])
        ORDER BY place
        LIMIT %(candidates)s
    ), found AS (
        SELECT memory_id, coalesce(1.0 / (60 + w.place), 0) + coalesce(1.0 / (60 + n.place), 0) AS score
        FROM by_words w FULL JOIN by_meaning n USING (memory_id)
    )
"""
_BY_WORDS_ALONE: Statement = ", found AS (SELECT memory_id, score FROM by_words)"


class PostgreSQLMemories:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._has_vectors: bool | None = None

    def add(self, owner: str, store_name: str, language: str, memories: Sequence[NewMemory]) -> Sequence[str]:
        by_source = {memory.source: memory for memory in memories}.values()
        parameters = {
            "owner": owner,
            "store_name": store_name,
            "language": language,
            "sources": [memory.source for memory in by_source],
            "contents": [memory.content for memory in by_source],
            "metadata": [memory.metadata for memory in by_source],
            "embeddings": [_dump_embedding(memory.embedding) for memory in by_source],
            "lifetimes": [memory.lifetime_seconds for memory in by_source],
        }
        return self._database.send(partial(self._add, parameters))

    def _add(self, parameters: Mapping[str, Any], sending: Sending) -> Sequence[str]:
        """What was written since, or deleted, is left as it is, and the whole sent again."""
        rows = self._fetch(
            """
            WITH deletion AS (
                SELECT deleted_at FROM {deleted_memories} WHERE owner = %(owner)s FOR SHARE
            )
            INSERT INTO {memories} AS m (owner, store_name, source, content, metadata, words, embedding, expires_at)
            SELECT %(owner)s, %(store_name)s, n.source, n.content, n.metadata,
                   to_tsvector(%(language)s::regconfig, n.content), n.embedding::real[],
                   clock_timestamp() + make_interval(secs => n.lifetime_seconds)
            FROM unnest(%(sources)s::text[], %(contents)s::text[], %(metadata)s::jsonb[], %(embeddings)s::text[],
                        %(lifetimes)s::float8[]) AS n (source, content, metadata, embedding, lifetime_seconds)
            WHERE to_timestamp(%(sent_at)s::float8) < clock_timestamp() + interval '0.1 s'
              AND NOT EXISTS (SELECT FROM deletion WHERE deleted_at >= to_timestamp(%(sent_at)s::float8))
            ON CONFLICT (owner, store_name, source)
            DO UPDATE SET metadata = EXCLUDED.metadata, expires_at = EXCLUDED.expires_at, updated_at = clock_timestamp()
            WHERE m.updated_at <= to_timestamp(%(sent_at)s::float8)
            RETURNING memory_id::text
            """,
            {**parameters, "sent_at": sending.sent_at},
        )
        if len(rows) < len(parameters["sources"]):
            raise _too_late(self._database.fetch("SELECT extract(epoch FROM clock_timestamp())::float8", {}).rows[0][0])
        return [memory_id for (memory_id,) in rows]

    def search(self, owner: str, store_name: str, query: MemoryQuery) -> Sequence[FoundMemory]:
        is_hybrid = query.embedding is not None and self._knows_vectors()
        rows = self._fetch(
            _FOUND
            + (_FUSED if is_hybrid else _BY_WORDS_ALONE)
            + "SELECT f.score::float8,"
            + _COLUMNS
            + """
            FROM found f JOIN {memories} m USING (memory_id)
            ORDER BY f.score DESC, m.updated_at DESC, m.memory_id
            LIMIT %(limit)s
            """,
            {
                "owner": owner,
                "store_name": store_name,
                "candidates": max(50, query.limit),
                **query._asdict(),
                "embedding": _dump_embedding(query.embedding),
            },
        )
        return [FoundMemory(row[0], MemoryRecord(*row[1:])) for row in rows]

    def list(
        self, owner: str, *, store_name: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> MemoryPage:
        before, before_id = parse_cursor(owner, cursor) if cursor else NEWEST
        rows = self._database.fetch(
            "SELECT"
            + _COLUMNS
            + """
            FROM {memories} m
            WHERE m.owner = %(owner)s AND (%(store_name)s::text IS NULL OR m.store_name = %(store_name)s)
              AND (m.updated_at, m.memory_id) < (%(before)s::timestamptz, %(before_id)s::uuid)
              AND (m.expires_at IS NULL OR m.expires_at > clock_timestamp())
            ORDER BY m.updated_at DESC, m.memory_id DESC
            LIMIT %(limit)s
            """,
            {"owner": owner, "store_name": store_name, "before": before, "before_id": before_id, "limit": limit + 1},
        ).rows
        page = [MemoryRecord(*row) for row in rows[:limit]]
        more = len(rows) > limit and limit > 0
        return MemoryPage(page, dump_cursor(owner, page[-1].updated_at, page[-1].memory_id) if more else None)

    def delete(self, owner: str, memory_id: str) -> None:
        deleted, repeated = self._delete(owner, None, _known_form(memory_id))
        if not deleted and not repeated:
            raise MemoryNotFoundError(memory_id)

    def delete_all(self, owner: str, *, store_name: str | None = None) -> int:
        return self._delete(owner, store_name, None)[0]

    def _delete(self, owner: str, store_name: str | None, memory_id: str | None) -> tuple[int, bool]:
        def send(sending: Sending) -> tuple[int, bool]:
            rows, repeated = self._database.fetch(
                """
                SELECT deleted, database_time
                FROM {delete_memories_v1}(%(owner)s, %(store_name)s, %(memory_id)s::uuid, %(sent_at)s::float8)
                """,
                {"owner": owner, "store_name": store_name, "memory_id": memory_id, "sent_at": sending.sent_at},
            )
            deleted, database_time = rows[0]
            if deleted is None:
                raise _too_late(database_time)
            return deleted, repeated

        return self._database.send(send)

    def expire(self, batch_size: int = 500) -> Iterator[int]:
        return delete_in_batches(
            self._database,
            """
            DELETE FROM {memories}
            WHERE memory_id = ANY (ARRAY(
                SELECT memory_id
                FROM {memories}
                WHERE expires_at < statement_timestamp()
                ORDER BY expires_at
                LIMIT %(batch_size)s
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING 1
            """,
            batch_size,
        )

    def _fetch(self, statement: Statement, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        try:
            return self._database.fetch(statement, parameters, (UndefinedObject,)).rows
        except UndefinedObject as error:
            raise InvalidInputError("language", "must be a text search configuration of PostgreSQL's") from error

    def _knows_vectors(self) -> bool:
        """Whether pgvector is in this database; asked once a process."""
        if self._has_vectors is None:
            self._has_vectors = self._database.fetch("SELECT to_regtype('vector') IS NOT NULL", {}).rows[0][0]
        return bool(self._has_vectors)


def _too_late(database_time: float) -> StoreUnavailableError:
    return StoreUnavailableError("memories were written since this was sent", database_time=database_time)


def _dump_embedding(embedding: Sequence[float] | None) -> str | None:
    """As PostgreSQL writes an array: several of different lengths have no place in one array of theirs."""
    return None if embedding is None else "{" + ",".join(repr(float(number)) for number in embedding) + "}"


def _known_form(memory_id: str) -> str:
    try:
        return str(uuid.UUID(memory_id))
    except (ValueError, TypeError, AttributeError) as error:
        raise MemoryNotFoundError(memory_id) from error
