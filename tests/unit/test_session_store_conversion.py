"""Many messages are restored together, as each of them would be alone."""

import json
import sys
from typing import Any

import pytest

from session_store.conversion import message_of, messages_of
from session_store.encoding import encode
from session_store.errors import DamagedRecordError
from session_store.records import MessageRecord

TIMES = ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
NESTED_ONCE_TOO_DEEP = '{"role":"user","content":[],"x":' + "[" * 100_000 + "]" * 100_000 + "}"
DIGITS = "9" * (sys.get_int_max_str_digits() + 1)


def body(**members: Any) -> str:
    return encode("message", {"role": "user", "content": [{"text": "x"}], **members})


def records(*texts: str) -> list[MessageRecord]:
    return [MessageRecord(number, text, None, *TIMES) for number, text in enumerate(texts, 7)]


@pytest.mark.parametrize(
    "text",
    [
        body(tracking_id="t"),
        body(content=[{"image": {"format": "png", "source": {"bytes": b"\x00"}}}]),
        body(content=[{"toolUse": {"toolUseId": "t", "name": "n", "input": {"big": 2**70, "small": 1.0}}}]),
        ' {"role" : "user", "role": "assistant",\n"content": []} ',
        r'{"role":"user","content":[{"text":"\u0000 \ud800"}]}',
    ],
)
def test_what_is_unusual_in_one_message_leaves_its_neighbours_as_they_are(text: str) -> None:
    among = records(*[body()] * 150, text, *[body()] * 60)
    restored = messages_of(among)
    assert restored == [message_of(record) for record in among]
    assert list(map(repr, restored)) == [repr(message_of(record)) for record in among]


def test_a_redacted_message_among_many_is_its_replacement() -> None:
    among = records(*[body()] * 3)
    among[1] = among[1]._replace(message=body(content=[]), redact_message=body(content=[]))
    assert [message.to_message()["content"] for message in messages_of(among)] == [[{"text": "x"}], [], [{"text": "x"}]]


@pytest.mark.parametrize(
    "text", ["5", "[]", '{"role":"system","content":[]}', NESTED_ONCE_TOO_DEEP, body()[:-1] + f',"x":{DIGITS}}}']
)
def test_the_damaged_one_of_many_messages_is_named(text: str) -> None:
    with pytest.raises(DamagedRecordError, match="message 107"):
        messages_of(records(*[body()] * 100, text, *[body()] * 3))


def test_a_message_as_deep_as_can_be_decoded_alone_is_decoded_among_others() -> None:
    depth = next(depth for depth in range(sys.getrecursionlimit(), 0, -1) if _is_decoded(depth))
    assert len(messages_of(records(body(), _nested(depth)))) == 2


def _is_decoded(depth: int) -> bool:
    try:
        message_of(records(_nested(depth))[0])
    except DamagedRecordError:
        return False
    return True


def _nested(depth: int) -> str:
    return json.dumps({"role": "user", "content": []})[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
