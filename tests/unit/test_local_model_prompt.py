import re
from typing import Any

import pytest

from local.model.prompt import MAX_TRANSCRIPT_BYTES, build_prompt
from local.model.wire import ChatMessage


def test_the_conversation_follows_the_examples() -> None:
    prompt = _build(("user", "Hello, my name is Alice"), ("assistant", "Hello, Alice!"), ("user", "What is\nmy name?"))
    assert prompt.text.endswith(
        "\n\nUser: Hello, my name is Alice\nAssistant: Hello, Alice!\nUser: What is my name?\nAssistant:"
    )
    assert prompt.grammar is None


def test_system_prompts_are_left_out() -> None:
    assert "Answer in rhymes" not in _build(("system", "Answer in rhymes"), ("user", "Hello")).text


def test_parts_of_text_are_read_and_others_passed_over() -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "image_url"}, {"type": "text", "text": "there"}]
    message = ChatMessage.model_validate({"role": "user", "content": parts})
    assert build_prompt([message], []).text.endswith("User: Hello there\nAssistant:")


def test_of_a_long_conversation_the_newest_turns_are_kept_whole() -> None:
    turns = [(role, f"{role} {number}") for number in range(500) for role in ("user", "assistant")]

    transcript = _transcript(_build(*turns, ("user", "What is my name?")).text)

    assert len(transcript.encode()) <= MAX_TRANSCRIPT_BYTES
    assert transcript.endswith("User: user 499\nAssistant: assistant 499\nUser: What is my name?\n")
    assert re.match(r"User: user \d+\nAssistant: ", transcript)
    assert len(transcript.encode()) > MAX_TRANSCRIPT_BYTES - 60


@pytest.mark.parametrize("text", ["x" * 9999, "é" * 9999, "🦊" * 9999])
def test_of_one_text_that_is_too_long_the_end_is_kept(text: str) -> None:
    transcript = _transcript(_build(("user", text + " my name?")).text)
    assert MAX_TRANSCRIPT_BYTES - 20 < len(transcript.encode()) <= MAX_TRANSCRIPT_BYTES
    assert transcript.endswith(" my name?\n")


@pytest.mark.parametrize("question", ["What is 17 times 23?", "17*23", "Compute 17 x 23 please", "17 plus 23 minus 4"])
def test_a_sum_can_only_be_answered_by_a_call_with_its_numbers(question: str) -> None:
    grammar = _build(("user", question), tools=["calculator"]).grammar
    assert grammar
    assert grammar.startswith('root ::= " CALL calculator(" num')
    assert '"17" | "23"' in grammar


@pytest.mark.parametrize("question", ["I am 17 and have 23 cats", "What is 17?", "times", ""])
def test_what_is_no_sum_is_answered_freely(question: str) -> None:
    assert _build(("user", question), tools=["calculator"]).grammar is None


def test_nothing_is_called_that_is_not_offered() -> None:
    assert _build(("user", "What is 17 times 23?"), tools=["current_time"]).grammar is None


def test_the_answer_to_a_sum_ends_with_what_the_tool_found() -> None:
    call = {"function": {"name": "calculator", "arguments": '{"expression": "17 * 23"}'}}
    messages = [
        {"role": "user", "content": "What is 17 times 23?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": [{"type": "text", "text": "391"}]},
    ]
    prompt = build_prompt([ChatMessage.model_validate(message) for message in messages], ["calculator"])
    assert prompt.text.endswith("Assistant: CALL calculator(17 * 23)\nResult: 391\nAssistant:")
    assert prompt.grammar
    assert '(words "17" words "23")? words "391"' in prompt.grammar


def test_a_tools_error_is_answered_freely() -> None:
    assert _build(("user", "1 / 0"), ("tool", 'Error: "quoted" \\ 7'), tools=["calculator"]).grammar is None


def _build(*turns: tuple[str, str], tools: list[str] | None = None) -> Any:
    return build_prompt(
        [ChatMessage.model_validate({"role": role, "content": text}) for role, text in turns], tools or []
    )


def _transcript(text: str) -> str:
    return text.rpartition("\n\n")[2].removesuffix("Assistant:")
