from typing import Any

import pytest

from session_store.history import TOOL_INTERRUPTED, TURN_INTERRUPTED, closing_messages

PROMPT = {"role": "user", "content": [{"text": "Hello"}]}
ANSWER = {"role": "assistant", "content": [{"text": "Hi"}]}
REQUESTS = {"role": "assistant", "content": [{"text": "I look"}, *({"toolUse": {"toolUseId": key}} for key in "ab")]}
RESULTS = {"role": "user", "content": [{"toolResult": {"toolUseId": key}} for key in "ab"]}
NOTE = {"role": "assistant", "content": [{"text": TURN_INTERRUPTED}]}


@pytest.mark.parametrize("last", [None, ANSWER])
def test_an_answered_turn_needs_nothing(last: dict[str, Any] | None) -> None:
    assert closing_messages(last) == []


@pytest.mark.parametrize("last", [PROMPT, RESULTS])
def test_an_unanswered_message_of_the_user_gets_a_note(last: dict[str, Any]) -> None:
    assert closing_messages(last) == [NOTE]


def test_every_open_tool_request_gets_an_error_result_and_then_a_note() -> None:
    results, note = closing_messages(REQUESTS)
    assert [block["toolResult"]["toolUseId"] for block in results["content"]] == ["a", "b"]
    assert {block["toolResult"]["status"] for block in results["content"]} == {"error"}
    assert results["content"][0]["toolResult"]["content"] == [{"text": TOOL_INTERRUPTED}]
    assert note == NOTE
    assert closing_messages(note) == []
