import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store.errors import InvalidIdentifierError, InvalidInputError, SessionStoreError
from session_store.identifiers import MAXIMUM_LENGTH, checked


@pytest.mark.parametrize("value", ["a", "user-1", "a/b#c?d%e", "'; DROP TABLE sessions; --", "käse 🧀", "x" * 255])
def test_printable_text_is_an_identifier(value: str) -> None:
    assert checked("session_id", value) == value


@pytest.mark.parametrize("value", ["", "x" * 256, "a\0b", "a\nb", "\ud800", "\u202e", None, 7, b"a"])
def test_anything_else_is_refused_by_the_name_of_its_field(value: object) -> None:
    with pytest.raises(InvalidIdentifierError, match=r"^session_id must") as refused:
        checked("session_id", value)
    assert isinstance(refused.value, InvalidInputError)
    assert isinstance(refused.value, SessionStoreError)
    assert refused.value.field == "session_id"


@given(st.text())
def test_what_is_accepted_is_text_that_postgresql_can_hold(value: str) -> None:
    try:
        accepted = checked("session_id", value)
    except InvalidIdentifierError:
        return
    assert 1 <= len(accepted) <= MAXIMUM_LENGTH
    assert "\0" not in accepted.encode().decode()
