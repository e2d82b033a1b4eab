"""`make round-trips`: how often one turn waits for the database, counted on the wire."""

from typing import Any

import psycopg
from strands import tool

from local.database import temporary_database
from session_store.migrate import apply_migrations
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.reliability.turns import hold_turn
from tests.reliability.wire import WireProxy
from tests.support.scripted_model import UseTool


@tool
def look(at: str) -> str:
    """Looks.

    Args:
        at: what to look at.
    """
    return f"{at} is there"


SCRIPTS: dict[str, list[Any]] = {
    "plain": ["It is 2."],
    "one tool": [UseTool("look", {"at": "a"}), "It is there."],
    "two tools at once": [[UseTool("look", {"at": "a"}), UseTool("look", {"at": "b"})], "Both are there."],
    "two tools": [UseTool("look", {"at": "a"}), UseTool("look", {"at": "b"}), "Both are there."],
}
"""What the model answers, call by call."""


def turn_round_trips(repository: PostgreSQLSessionRepository, wire: WireProxy, session_id: str, turn: str) -> int:
    before = wire.trace.round_trips
    hold_turn(repository, session_id, "Hello", *SCRIPTS[turn], tools=[look])
    return wire.trace.round_trips - before


def main() -> None:
    with temporary_database() as database:
        with psycopg.connect(database.url) as connection:
            apply_migrations(connection)
        with WireProxy(database.url) as wire:
            store = PostgreSQLStore(StoreSettings(url=wire.url))
            repository = PostgreSQLSessionRepository(store=store)
            for turn in SCRIPTS:
                new = turn_round_trips(repository, wire, f"a session for {turn}", turn)
                restored = turn_round_trips(repository, wire, f"a session for {turn}", turn)
                print(f"{turn + ' turn':24}{new} round trips in a new session, {restored} in a restored one")
            store.close()


if __name__ == "__main__":
    main()
