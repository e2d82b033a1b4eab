"""What Strands gives comes back as it was: order, bytes, every character, every digit."""

import itertools
import math
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strands.types.session import SessionMessage

from session_store.encoding import decode, encode
from session_store.errors import UnstorableValueError
from session_store.records import AgentMessage, BegunRun, MessageRecord, RunOutcome, RunRequest, RunWrite
from session_store.repository import PostgreSQLSessionRepository
from session_store.store import Store
from tests.contract.records import CREATED_AT, add_session

_text = st.text(st.characters(exclude_categories=()), max_size=30)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
    | st.binary(max_size=30)
    | st.fixed_dictionaries(
        {"__bytes_encoded__": st.just(True) | st.just("json"), "data": st.just("AAAA") | st.just("{}")}
    )
)
VALUES = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4), max_leaves=12
)


def said(value: Any) -> dict[str, Any]:
    result = {"toolUseId": "t", "status": "success", "content": [{"json": value}]}
    return {"role": "user", "content": [{"toolResult": result}]}


@pytest.fixture
def numbers(store: Store, owner: str) -> Iterator[int]:
    add_session(store, owner)
    return itertools.count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_a_message_survives(repository: PostgreSQLSessionRepository, numbers: Iterator[int], value: Any) -> None:
    message = SessionMessage(said(value), next(numbers))  # pyright: ignore[reportArgumentType]
    repository.create_message("s", "default", message)
    stored = repository.read_message("s", "default", message.message_id)
    assert stored
    assert repr(stored.to_message()) == repr(said(value))
    (listed,) = repository.list_messages("s", "default", offset=message.message_id)
    assert repr(listed.to_message()) == repr(said(value))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_what_a_run_commits_survives(store: Store, owner: str, numbers: Iterator[int], value: Any) -> None:
    text, number, run_id = encode("message", said(value)), next(numbers), str(uuid.uuid4())
    begun = store.runs.begin(owner, RunRequest("s", "default", run_id, 60))
    assert isinstance(begun, BegunRun)
    assert begun.agent
    written = begun.agent._replace(state=encode("state", {"value": value}), message_count=number + 1)
    message = AgentMessage("default", MessageRecord(number, text, None, CREATED_AT, CREATED_AT))
    write = RunWrite("s", run_id, 60, updated_agents=[written], messages=[message])
    store.runs.write(owner, write._replace(outcome=RunOutcome("completed", encode("result", {"value": value}), number)))
    assert store.agents.read(owner, "s", "default") == written
    assert store.messages.read(owner, "s", "default", number) == message.record
    run = store.runs.read(owner, run_id)
    assert (run.result, run.answer) == (encode("result", {"value": value}), text)
    assert repr(decode(text)) == repr(said(value))


@pytest.mark.parametrize(
    "text",
    [
        '{"role":"user","content":[{"text":"\\u0000 \\ud800 \\u00e9 é 🧀 \\/ \\n"}]}',
        '{"role":"user","content":[],"n":[1.0,1.00,1e2,1E+2,-0,-0.0,0.1e-7,123456789012345678901234567890]}',
        '{ "role" : "user" ,\n\t"content" : [ ] , "z":1 , "a":{ } }',
        '{"role":"assistant","content":[{"text":"x"}],"deep":' + "[" * 500 + "]" * 500 + "}",
    ],
)
def test_json_text_is_kept_to_the_letter(store: Store, owner: str, text: str) -> None:
    add_session(store, owner)
    record = MessageRecord(0, text, None, CREATED_AT, CREATED_AT)
    store.messages.create(owner, "s", "default", record, "")
    assert store.messages.read(owner, "s", "default", 0) == record
    assert [*store.messages.list(owner, "s", "default")] == [record]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {1, 2}, object()])
def test_what_json_cannot_hold_is_refused_and_nothing_is_written(
    repository: PostgreSQLSessionRepository, store: Store, owner: str, value: Any
) -> None:
    add_session(store, owner)
    message = SessionMessage(said(value), 0)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnstorableValueError, match="message"):
        repository.create_message("s", "default", message)
    assert repository.list_messages("s", "default") == []
