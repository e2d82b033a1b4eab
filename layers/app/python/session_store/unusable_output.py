"""What a model or a tool gives that no history may hold: words that are none, values that are no JSON."""

import json
from collections.abc import Mapping
from math import inf
from typing import Any

from strands.agent.agent import Agent
from strands.hooks import AfterModelCallEvent, AfterToolCallEvent, BeforeToolCallEvent, HookProvider, HookRegistry
from strands.tools.structured_output.structured_output_tool import StructuredOutputTool
from strands.types.content import Message

from .encoding import encode
from .errors import ModelFailedError, UnstorableValueError

NO_WORDS = "There is no answer in words yet."
GUARDRAIL_INTERVENED = "A guardrail intervened: there is no answer."
_UNSPOKEN = {"reasoningContent", "cachePoint"}


class UnusableOutput(HookProvider):
    """An answer without words fails the run, before any history holds it: providers refuse it ever after.

    Tool arguments or a tool's result that JSON cannot hold become an error result which the model can read; the turn
    goes on. Registered last, so that an application's own hooks may mend them first, or ask the model again.
    """

    def __init__(self) -> None:
        self._refused_calls: dict[str, str] = {}

    def register_hooks(self, registry: HookRegistry, **kwargs: Any) -> None:
        registry.add_callback(AfterModelCallEvent, self._check_answer, order=inf)
        registry.add_callback(BeforeToolCallEvent, self._refuse_call, order=inf)
        registry.add_callback(AfterToolCallEvent, self._check_result, order=inf)

    def _check_answer(self, event: AfterModelCallEvent) -> None:
        if event.stop_response is None or event.retry:
            return
        message, stop_reason = event.stop_response.message, event.stop_response.stop_reason
        if not any(_says_something(block) for block in message["content"]):
            message["content"] = [{"text": _words_instead(event.agent, message, stop_reason)}]
        self._replace_unstorable_arguments(message)

    def _replace_unstorable_arguments(self, message: Message) -> None:
        for block in message["content"]:
            if "toolUse" not in block:
                continue
            request = block["toolUse"]
            if reason := _refusal("input", request["input"]):
                self._refused_calls[request["toolUseId"]] = f"The tool was not called: its {reason}"
                request["input"] = _as_json(request["input"])

    def _refuse_call(self, event: BeforeToolCallEvent) -> None:
        if reason := self._refused_calls.pop(event.tool_use["toolUseId"], None):
            event.cancel_tool = reason

    def _check_result(self, event: AfterToolCallEvent) -> None:
        if reason := _refusal("result", event.result):
            text = f"The tool has run, but its {reason}"
            tool_use_id = event.result["toolUseId"]
            event.result = {"toolUseId": tool_use_id, "status": "error", "content": [{"text": text}]}


def _words_instead(agent: Agent, message: Message, stop_reason: str) -> str:
    """Raises `ModelFailedError`, where the turn does not go on by itself."""
    if not message["content"] and stop_reason == "guardrail_intervened":
        return GUARDRAIL_INTERVENED
    if stop_reason == "end_turn" and _wants_structure(agent):  # Strands asks the model again
        return NO_WORDS
    if stop_reason == "max_tokens":
        raise ModelFailedError("the model reached its limit of tokens before it gave an answer in words")
    raise ModelFailedError("the model gave an answer without words")


def _wants_structure(agent: Agent) -> bool:
    return any(isinstance(each, StructuredOutputTool) for each in agent.tool_registry.dynamic_tools.values())


def _says_something(block: Mapping[str, Any]) -> bool:
    if "text" in block:
        return bool((block["text"] or "").strip())
    return any(name not in _UNSPOKEN for name in block)


def _refusal(field: str, value: object) -> str | None:
    try:
        encode(field, value)
    except UnstorableValueError as error:
        return str(error)
    return None


def _as_json(value: object) -> Any:
    """The nearest that JSON can hold, so that the model sees what it asked for: NaN becomes "NaN"."""
    try:
        return json.loads(json.dumps(value, default=repr), parse_constant=str)
    except (TypeError, ValueError, RecursionError):
        return {}
