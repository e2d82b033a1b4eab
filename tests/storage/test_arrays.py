"""Arrays as a run's writes send them are read as they were."""

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from session_store.postgresql.arrays import dump_array

AWKWARD = ["", " ", "NULL", "null", "{}", "{a,b}", '"', '\\"', "\\", "\\\\", "a,b", "\n\t", "é🦜", "'", "{", None]
TEXTS = st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), min_size=1)


def test_texts_arrive_as_they_were(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:

        @settings(max_examples=200, deadline=None)
        @given(TEXTS)
        def arrives(texts: list[str | None]) -> None:
            row = connection.execute("SELECT %s::text[]", [dump_array(texts)]).fetchone()
            assert row == (texts,)

        assert connection.execute("SELECT %s::text[]", [dump_array(AWKWARD)]).fetchone() == (AWKWARD,)
        arrives()


def test_numbers_arrive_as_they_were(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        numbers = [0, -1, 2**63 - 1, None]
        assert connection.execute("SELECT %s::bigint[]", [dump_array(numbers)]).fetchone() == (numbers,)


def test_an_empty_array_is_none() -> None:
    assert dump_array([]) is None
