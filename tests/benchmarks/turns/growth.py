"""What plain turns of 600-byte messages add to a database: bytes of tables and indexes, and of the write-ahead log."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from local.database import EmbeddedDatabase
from tests.benchmarks.turns.sides import Side, create_databases, text

TURNS = 100
HEADER = (
    f"| {TURNS} plain turns | MB of tables with indexes | MB of WAL after a checkpoint | most of it, KB |\n"
    "|---|---:|---:|---|"
)


class Size(NamedTuple):
    log: int
    by_table: dict[str, int]


def measure(server: EmbeddedDatabase) -> Iterator[str]:
    yield HEADER
    for kind, url in create_databases(server, "growth").items():
        side = Side(kind, url, kind)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            before = read_size(connection)
            for number in range(TURNS):
                side.contestant.turn("grows", 0, text(number))
            yield describe(kind, before, read_size(connection))


def read_size(connection: psycopg.Connection) -> Size:
    ((log,),) = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchall()
    tables = connection.execute("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables").fetchall()
    return Size(int(log), dict(tables))


def describe(kind: str, before: Size, after: Size) -> str:
    grown = {table: size - before.by_table[table] for table, size in after.by_table.items()}
    largest = sorted(grown, key=grown.__getitem__, reverse=True)[:4]
    details = ", ".join(f"{table} {grown[table] / 1000:.0f}" for table in largest if grown[table])
    return f"| {kind} | {sum(grown.values()) / 1e6:.2f} | {(after.log - before.log) / 1e6:.2f} | {details} |"
