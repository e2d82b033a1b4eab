"""A deterministic Strands model, for tests: in this process by a list of turns, in any other by its prompt.

In this process: `ScriptedModel("Hello", [Say("I look"), UseTool("calculator", {"expression": "1+1"})], "It is 2.")`.
In another: `MODEL_PROVIDER=tests.support.scripted_model:build`; then the last user message is the script, one step a
line:

    say: some words                          streams the words, one chunk each
    reason: some words                       thinks aloud, one piece for each word
    tool: calculator {"expression": "2+2"}   asks for the tool; several in one turn are asked for together
    broken-tool: calculator any words        asks for the tool with what is not JSON
    wait-for: /a/file                        goes on when that file exists, so that a test sets the pace
    fail: a message · throttle · overflow    raises what a provider raises
    max-tokens                               ends the turn as a cut-off answer
    redact                                   asks for the user's message to be redacted, as a guardrail does
    echo-history                             says how many user texts there are, and each of them
    then                                     what follows answers the next call (after the tool's result)

A prompt without any step is answered with "You said: …", and so is a call that no turn is left for with the tool's
results. `SCRIPTED_MODEL_SCRIPT` names a JSON file {"a prompt": "its script"} for prompts that must look natural, read
at each call, and `SCRIPTED_MODEL_CALLS` a file that gets one JSON line a call.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from strands.models.model import Model
from strands.types.content import Message, Messages
from strands.types.event_loop import StopReason, Usage
from strands.types.exceptions import ContextWindowOverflowException, ModelThrottledException
from strands.types.streaming import StreamEvent

REDACTED = "[redacted by the scripted guardrail]"
WAIT_LIMIT_SECONDS = 60
USAGE: Usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}


@dataclass(frozen=True)
class Say:
    text: str

    async def events(self, call: "Call") -> AsyncGenerator[StreamEvent, None]:
        yield {"contentBlockStart": {"start": {}}}
        for number, word in enumerate(self.text.split(" ")):
            yield {"contentBlockDelta": {"delta": {"text": f" {word}" if number else word}}}
            await asyncio.sleep(0)
        yield {"contentBlockStop": {}}


@dataclass(frozen=True)
class Reason:
    """One piece of reasoning for each of `pieces`."""

    pieces: Iterable[object]

    async def events(self, call: "Call") -> AsyncGenerator[StreamEvent, None]:
        for _ in self.pieces:
            yield {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "hm "}}}}
            await asyncio.sleep(0.001)
        yield {"contentBlockStop": {}}


@dataclass(frozen=True)
class UseTool:
    name: str
    input: dict[str, Any] | str

    async def events(self, call: "Call") -> AsyncGenerator[StreamEvent, None]:
        call.stop_reason = "tool_use"
        call.tool_uses += 1
        tool_use_id = f"tool-{call.message_count}-{call.tool_uses}"
        yield {"contentBlockStart": {"start": {"toolUse": {"name": self.name, "toolUseId": tool_use_id}}}}
        text = self.input if isinstance(self.input, str) else json.dumps(self.input)
        yield {"contentBlockDelta": {"delta": {"toolUse": {"input": text}}}}
        yield {"contentBlockStop": {}}


@dataclass(frozen=True)
class WaitFor:
    path: Path

    async def events(self, call: "Call") -> AsyncGenerator[StreamEvent, None]:
        pause_seconds = 0.01
        async with asyncio.timeout(WAIT_LIMIT_SECONDS):
            while not self.path.exists() and not (call.cancel_signal and call.cancel_signal.is_set()):
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, 0.08)  # hundreds may wait at once
        return
        yield


@dataclass(frozen=True)
class Stop:
    """Ends the turn with another stop reason than the steps imply."""

    reason: StopReason

    async def events(self, call: "Call") -> AsyncGenerator[StreamEvent, None]:
        call.stop_reason = self.reason
        if self.reason == "guardrail_intervened":
            yield {"redactContent": {"redactUserContentMessage": REDACTED}}


@dataclass
class Call:
    message_count: int
    cancel_signal: Event | None
    tool_uses: int = 0
    stop_reason: StopReason = "end_turn"


Step = str | Say | Reason | UseTool | WaitFor | Stop | BaseException
Turn = Step | list[Step] | Callable[[Messages], "Step | list[Step]"]


class ScriptedModel(Model):
    """Answers its n-th call with its n-th turn. `calls` holds what each call was given."""

    def __init__(self, *turns: Turn, calls_file: Path | None = None) -> None:
        self.turns = list(turns)
        self.calls: list[dict[str, Any]] = []
        self._calls_file = calls_file

    def update_config(self, **model_config: Any) -> None:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"model_id": "scripted"}

    def structured_output(self, *args: Any, **kwargs: Any) -> AsyncGenerator[dict[str, Any], None]:
        raise NotImplementedError

    def next_turn(self, messages: Messages) -> Turn:
        return self.turns[len(self.calls) - 1]

    async def stream(
        self,
        messages: Messages,
        tool_specs: list[Any] | None = None,
        system_prompt: str | None = None,
        *,
        cancel_signal: Event | None = None,
        **kwargs: Any,
    ) -> AsyncIterable[StreamEvent]:
        self._record(messages, tool_specs, system_prompt)
        turn = self.next_turn(messages)
        steps = turn(messages) if callable(turn) else turn
        call = Call(len(messages), cancel_signal)
        yield {"messageStart": {"role": "assistant"}}
        for step in steps if isinstance(steps, list) else [steps]:
            if isinstance(step, BaseException):
                raise step
            async for event in (Say(step) if isinstance(step, str) else step).events(call):
                yield event
        yield {"messageStop": {"stopReason": call.stop_reason}}
        yield {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 1}}}

    def _record(self, messages: Messages, tool_specs: list[Any] | None, system_prompt: str | None) -> None:
        call = {
            "messages": json.loads(json.dumps(messages, default=repr)),
            "tools": [spec["name"] for spec in tool_specs or []],
            "system_prompt": system_prompt,
            "pid": os.getpid(),
        }
        self.calls.append(call)
        if self._calls_file:
            with self._calls_file.open("a") as file:
                file.write(json.dumps(call) + "\n")


class PromptedModel(ScriptedModel):
    """Answers by the script that the last user text is, or that the file has for it. Keeps nothing between calls."""

    def __init__(self, scripts_file: Path | None = None, calls_file: Path | None = None) -> None:
        super().__init__(calls_file=calls_file)
        self._scripts_file = scripts_file

    def next_turn(self, messages: Messages) -> Turn:
        asked = max(index for index, message in enumerate(messages) if message["role"] == "user" and _words(message))
        prompt = "\n".join(_texts(messages[asked]))
        scripts: dict[str, str] = json.loads(self._scripts_file.read_text()) if self._scripts_file else {}
        turns = scripts.get(prompt, prompt).split("\nthen\n")
        answered = sum(message["role"] == "assistant" for message in messages[asked:])
        if answered >= len(turns):
            return "Result: " + " | ".join(_result_texts(messages[-1]))
        return [step for line in turns[answered].splitlines() if (step := _parse(line, messages)) is not None] or (
            f"You said: {prompt}"
        )


def build() -> PromptedModel:
    """The model of `MODEL_PROVIDER=tests.support.scripted_model:build`."""
    script = os.environ.get("SCRIPTED_MODEL_SCRIPT")
    calls = os.environ.get("SCRIPTED_MODEL_CALLS")
    return PromptedModel(Path(script) if script else None, Path(calls) if calls else None)


def read_calls(path: Path) -> list[dict[str, Any]]:
    """The calls that any process made: {"messages", "tools", "system_prompt", "pid"} each."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _parse(line: str, messages: Messages) -> Step | None:
    word, _, rest = line.strip().partition(":")
    return _STEPS[word](rest.strip(), messages) if word in _STEPS else None


def _parse_tool(text: str) -> UseTool:
    name, _, arguments = text.partition(" ")
    return UseTool(name, json.loads(arguments or "{}"))


def _echo_history(messages: Messages) -> Say:
    texts = [text for message in messages if message["role"] == "user" for text in _words(message)]
    return Say(f"{len(texts)}: " + " | ".join(texts))


_STEPS: dict[str, Callable[[str, Messages], Step]] = {
    "say": lambda text, messages: Say(text),
    "reason": lambda text, messages: Reason(text.split()),
    "tool": lambda text, messages: _parse_tool(text),
    "broken-tool": lambda text, messages: UseTool(*text.split(" ", 1)),
    "wait-for": lambda text, messages: WaitFor(Path(text)),
    "fail": lambda text, messages: RuntimeError(text or "the scripted model failed"),
    "throttle": lambda text, messages: ModelThrottledException("the scripted model is throttled"),
    "overflow": lambda text, messages: ContextWindowOverflowException("the scripted model's context is full"),
    "max-tokens": lambda text, messages: Stop("max_tokens"),
    "redact": lambda text, messages: Stop("guardrail_intervened"),
    "echo-history": lambda text, messages: _echo_history(messages),
}


def _texts(message: Message) -> list[str]:
    return [block["text"] for block in message["content"] if "text" in block]


def _words(message: Message) -> list[str]:
    """Of the user's own: without what a frontend adds for one call."""
    return [text for text in _texts(message) if not text.startswith("\n\n<context>")]


def _result_texts(message: Message) -> list[str]:
    results = [block["toolResult"] for block in message["content"] if "toolResult" in block]
    return [str(item.get("text", item)) for result in results for item in result["content"]]
