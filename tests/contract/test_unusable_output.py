"""What a model or a tool gives that no history can hold."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from strands import tool
from strands.hooks import AfterModelCallEvent, BeforeToolCallEvent
from strands.types.streaming import StreamEvent

from session_store.errors import ModelFailedError
from session_store.history import TURN_ENDED, TURN_INTERRUPTED
from session_store.unusable_output import GUARDRAIL_INTERVENED, NO_WORDS
from tests.contract.agents import Repository, agent_of, result_texts, stored, texts
from tests.reliability.turns import assert_closed
from tests.support.scripted_model import Call, ScriptedModel, Stop, UseTool


@dataclass(frozen=True)
class Deltas:
    """One block of these deltas."""

    deltas: list[dict[str, Any]]

    async def events(self, call: Call) -> AsyncGenerator[StreamEvent, None]:
        for delta in self.deltas:
            yield {"contentBlockDelta": {"delta": delta}}  # pyright: ignore[reportReturnType]
        yield {"contentBlockStop": {}}


REASONING: Any = Deltas([{"reasoningContent": {"text": "hm"}}, {"reasoningContent": {"signature": "c2ln"}}])
REDACTED_REASONING: Any = Deltas([{"reasoningContent": {"redactedContent": b"\x00\xff"}}])
BLANK: Any = Deltas([{"text": " \n"}])
WORDLESS: dict[str, list[Any]] = {
    "reasoning alone": [REASONING],
    "redacted reasoning": [REDACTED_REASONING],
    "blank text": [BLANK],
    "reasoning and blank text": [REASONING, BLANK],
    "nothing": [],
    "cut off while it reasons": [REASONING, Stop("max_tokens")],
}
"""What a model's turn is made of."""


@tool
def look() -> str:
    """Look."""
    return "seen"


def bedrock(messages: Any) -> list[Any]:
    from strands.models.bedrock import BedrockModel

    return BedrockModel(model_id="meta.llama4-maverick", region_name="us-east-1")._format_bedrock_messages(messages)


def openai(messages: Any) -> list[Any]:
    from strands.models.openai import OpenAIModel

    return OpenAIModel.format_request_messages(messages)


def anthropic(messages: Any) -> list[Any]:
    from strands.models.anthropic import AnthropicModel

    model = AnthropicModel(model_id="claude", max_tokens=1, client_args={"api_key": "none"})
    return model._format_request_messages(messages)


def gemini(messages: Any) -> list[Any]:
    from strands.models.gemini import GeminiModel

    contents = GeminiModel(model_id="gemini", client_args={"api_key": "none"})._format_request_content(messages)
    return [{"role": content.role, "content": content.parts} for content in contents]


@pytest.mark.parametrize("kind", WORDLESS)
def test_an_answer_without_words_fails_its_run(repository: Repository, kind: str) -> None:
    with pytest.raises(ModelFailedError, match="words"), repository.run("s") as run:
        agent_of(run.session_manager, WORDLESS[kind])("go")
    ended = repository.read_run(run.run_id)
    assert (ended.status, ended.error_code) == ("failed", "model_failed")
    assert repository.read_agent("s", "default") is None


@pytest.mark.parametrize("kind", WORDLESS)
def test_every_provider_takes_the_history_after_it(repository: Repository, kind: str) -> None:
    with pytest.raises(ModelFailedError), repository.run("s") as run:
        agent_of(run.session_manager, [UseTool("look", {})], WORDLESS[kind], tools=[look])("go")
    assert repository.read_run(run.run_id).error_code == "model_failed"
    assert_closed(stored(repository))
    assert texts(stored(repository)) == ["go", TURN_INTERRUPTED]
    model = ScriptedModel("fine")
    with repository.run("s") as run:
        agent_of(run.session_manager, model=model, tools=[look])("next")
    for formatted in (bedrock, openai, anthropic, gemini):
        request = formatted(model.calls[0]["messages"])
        roles = ["user" if message["role"] in ("user", "tool") else "assistant" for message in request]
        assert roles == ["user", "assistant", "user", "assistant", "user"], formatted
        assert all(message.get("content") or message.get("tool_calls") for message in request), formatted


def test_an_application_that_catches_it_goes_on_in_its_run(repository: Repository) -> None:
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, [REASONING], "fine")
        with pytest.raises(ModelFailedError):
            agent("go")
        agent("again")
    assert texts(stored(repository)) == ["go", TURN_ENDED, "again", "fine"]
    assert_closed(stored(repository))


def test_a_model_that_owes_structured_output_is_asked_again(repository: Repository) -> None:
    class Person(BaseModel):
        name: str

    with repository.run("s") as run:
        agent = agent_of(run.session_manager, [REASONING], [UseTool("Person", {"name": "Ann"})])
        assert agent("who?", structured_output_model=Person).structured_output == Person(name="Ann")
    assert texts(stored(repository))[:2] == ["who?", NO_WORDS]
    assert "reasoningContent" not in str(stored(repository))


def test_a_guardrail_that_leaves_no_words_gets_some(repository: Repository) -> None:
    with repository.run("s") as run:
        agent_of(run.session_manager, [Stop("guardrail_intervened")])("go")
    assert texts(stored(repository))[1:] == [GUARDRAIL_INTERVENED]


def test_a_hook_may_ask_the_model_again_first(repository: Repository) -> None:
    def retry(event: AfterModelCallEvent) -> None:
        event.retry = bool(event.stop_response and not texts([event.stop_response.message]))

    with repository.run("s") as run:
        agent = agent_of(run.session_manager, [REASONING], "fine")
        agent.add_hook(retry, AfterModelCallEvent)
        agent("go")
    assert texts(stored(repository)) == ["go", "fine"]


@pytest.mark.parametrize("kind", ["reasoning alone", "blank text"])
def test_reasoning_and_blanks_beside_a_tool_request_are_no_such_answer(repository: Repository, kind: str) -> None:
    with repository.run("s") as run:
        agent_of(run.session_manager, [*WORDLESS[kind], UseTool("look", {})], "fine", tools=[look])("go")
    assert texts(stored(repository))[-1] == "fine"


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ('{"n": NaN, "m": [1, Infinity]}', {"n": "NaN", "m": [1, "Infinity"]}),
        ('{"n": -Infinity}', {"n": "-Infinity"}),
    ],
)
def test_tool_arguments_that_json_cannot_hold_are_refused_and_the_turn_goes_on(
    repository: Repository, arguments: str, kept: Any
) -> None:
    called: list[object] = []

    @tool
    def count(n: object = None, m: object = None) -> str:
        """Count."""
        called.append(n)
        return "counted"

    model = ScriptedModel([UseTool("count", arguments), UseTool("look", {})], "so it was not called")
    with repository.run("s") as run:
        agent_of(run.session_manager, model=model, tools=[count, look])("go")
    assert called == []
    refused, seen = result_texts(model.calls[1]["messages"])
    assert "not called" in refused
    assert "cannot be stored as JSON" in refused
    assert seen == "seen"
    assert stored(repository)[1]["content"][0]["toolUse"]["input"] == kept
    assert texts(stored(repository)) == ["go", "so it was not called"]


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, {1, 2}, object()])
def test_a_result_that_json_cannot_hold_is_an_error_result(repository: Repository, value: object) -> None:
    @tool
    def measure() -> Any:
        """Measure."""
        return {"status": "success", "content": [{"json": {"value": value}}]}

    model = ScriptedModel([UseTool("measure", {}), UseTool("look", {})], "it has run")
    with repository.run("s") as run:
        agent_of(run.session_manager, model=model, tools=[measure, look])("go")
    failed, seen = result_texts(model.calls[1]["messages"])
    assert "has run" in failed
    assert "cannot be stored as JSON" in failed
    assert seen == "seen"
    results = [block["toolResult"]["status"] for block in stored(repository)[2]["content"]]
    assert results == ["error", "success"]


def test_a_hook_may_mend_arguments_and_ask_for_another_tool(repository: Repository) -> None:
    """Arguments that a hook of the application puts in place of the model's are its own."""

    def mend(event: BeforeToolCallEvent) -> None:
        event.tool_use["input"] = {"n": 0}

    with repository.run("s") as run:
        agent = agent_of(run.session_manager, [UseTool("look", '{"n": NaN}')], "fine", tools=[look])
        agent.add_hook(mend, BeforeToolCallEvent)
        agent("go")
    assert json.dumps(stored(repository), allow_nan=False)
