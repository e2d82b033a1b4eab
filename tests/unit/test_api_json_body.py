import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import json_body
from api.errors import MalformedRequestError
from session_store.raw_json import dump_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_json_is_read_as_it_is(value: object) -> None:
    assert json_body.parse(json.dumps(value), max_depth=100) == value


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=50))
def test_an_answer_has_a_utf8_form_and_keeps_every_character(text: str) -> None:
    written = dump_json({"text": text})
    assert json.loads(written.encode()) == {"text": text}


@given(st.text(max_size=200))
def test_any_text_is_json_or_malformed(text: str) -> None:
    with contextlib.suppress(MalformedRequestError):
        json_body.parse(text, max_depth=5)


def test_the_depth_limit_is_exact() -> None:
    assert json_body.parse("[[[1]]]", max_depth=3) == [[[1]]]
    assert json_body.parse("[[[]]]", max_depth=3) == [[[]]]
    for text in ("[[[[1]]]]", "[[[[]]]]", '{"a":[{"b":[]}]}'):
        with pytest.raises(MalformedRequestError, match="3 levels"):
            json_body.parse(text, max_depth=3)
