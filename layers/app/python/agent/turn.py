"""One prompt answered by the agent within a run, in time, as a stream or as a whole."""

import asyncio
import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from strands import Agent
from strands.agent.agent_result import AgentResult
from strands.session.session_manager import SessionManager
from strands.types.exceptions import EventLoopException, MaxTokensReachedException

from session_store.errors import (
    AwaitingResponseError,
    ModelFailedError,
    RunDeadlineError,
    SessionStoreError,
)
from session_store.run import Run

from .agent import build_agent

Prompt = str | list[dict[str, Any]]
"""Text, or the answers to interrupts: `[{"interruptResponse": {"interruptId": …, "response": …}}]`."""

StreamEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent answered.

    usage: input_tokens, output_tokens, total_tokens of all the run's model calls. interrupts: what it asks a human,
    each with id, name, reason. timings: milliseconds of restore, first_token and total.
    """

    response: str
    stop_reason: str
    usage: dict[str, int]
    interrupts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    timings: dict[str, float] = field(default_factory=dict[str, float])


def answer(run: Run, prompt: Prompt, deadline_seconds: float) -> Answer:
    """The whole answer. Raises only errors of `session_store.errors`, as `stream` does."""
    for event in stream(run, prompt, deadline_seconds):
        if isinstance(event, Answer):
            return event
    raise ModelFailedError("the agent ended without an answer")


def stream(
    run: Run,
    prompt: Prompt,
    deadline_seconds: float,
    silence_seconds: float | None = None,
    build: Callable[[SessionManager], Agent] = build_agent,
) -> Iterator[StreamEvent | Answer | None]:
    """Strands' events as they come, None for each `silence_seconds` without one, and last the `Answer`.

    The agent works on a thread of its own: neither a tool that blocks its event loop nor a model that hangs keeps the
    deadline or a heartbeat from coming. Raises `AwaitingResponseError` before the model is called, `ModelFailedError`,
    `RunDeadlineError`, `RunCancelledError`, `LeaseLostError`, and what the store raises.
    """
    _check_fits(run, prompt)
    started = time.monotonic()
    agent = build(run.session_manager)
    events: queue.SimpleQueue[StreamEvent | AgentResult | BaseException] = queue.SimpleQueue()
    context = contextvars.copy_context()  # log keys and trace of the request
    worker = threading.Thread(target=context.run, args=(_work, agent, prompt, events.put), daemon=True)
    worker.start()
    first_token_seconds: float | None = None
    while True:
        event = _next(events, started + deadline_seconds, silence_seconds)
        if isinstance(event, BaseException):
            raise _translated(event) from event
        if isinstance(event, AgentResult):
            yield _answer_of(run, event, first_token_seconds, time.monotonic() - started)
            return
        # Who takes events slowly may take what was done in time, but keeps no agent at work beyond it.
        if time.monotonic() >= started + deadline_seconds and (event is None or worker.is_alive()):
            agent.cancel()
            raise RunDeadlineError(run.run_id, deadline_seconds)
        if event and "event" in event and first_token_seconds is None:
            first_token_seconds = time.monotonic() - started
        yield event


def _next(
    events: "queue.SimpleQueue[StreamEvent | AgentResult | BaseException]", deadline: float, silence: float | None
) -> StreamEvent | AgentResult | BaseException | None:
    left = max(0.0, deadline - time.monotonic())
    try:
        return events.get(timeout=left if silence is None else min(left, silence))
    except queue.Empty:
        return None


def _work(agent: Agent, prompt: Prompt, put: Callable[[StreamEvent | AgentResult | BaseException], None]) -> None:
    async def consume() -> None:
        async for event in agent.stream_async(cast(Any, prompt)):
            put(event.get("result", event))

    # Not `asyncio.run`: at its end it would wait for tools that hang in threads, beyond any deadline.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(consume())
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
        put(error)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _check_fits(run: Run, prompt: Prompt) -> None:
    waiting = run.interrupts
    if isinstance(prompt, str):
        if waiting:
            raise AwaitingResponseError("the agent waits for answers to its interrupts", list(waiting))
        return
    if not waiting:
        raise AwaitingResponseError("the agent waits for no answer")
    unknown = [block["interruptResponse"]["interruptId"] for block in prompt]
    if any(interrupt_id not in waiting for interrupt_id in unknown):
        raise AwaitingResponseError("the agent waits for answers to other interrupts", list(waiting))


def _translated(error: BaseException) -> BaseException:
    """Strands wraps what a hook raises: a lost database must not look like a failed model."""
    if isinstance(error, EventLoopException):
        return _translated(error.original_exception)
    if isinstance(error, SessionStoreError) or not isinstance(error, Exception):
        return error
    if isinstance(error, MaxTokensReachedException):
        return ModelFailedError("the model reached its limit of tokens before its answer was complete")
    return ModelFailedError("the model failed")


def _answer_of(run: Run, result: AgentResult, first_token_seconds: float | None, total_seconds: float) -> Answer:
    if result.stop_reason == "cancelled":
        raise run.end_reason
    if not result.message["content"]:
        # Stored, it would make every later call of the model fail: providers refuse messages without content.
        raise ModelFailedError("the model gave an empty answer")
    usage = result.metrics.accumulated_usage
    return Answer(
        response="\n".join(_texts(cast(Sequence[dict[str, Any]], result.message["content"]))),
        stop_reason=result.stop_reason,
        usage={
            "input_tokens": usage["inputTokens"],
            "output_tokens": usage["outputTokens"],
            "total_tokens": usage["totalTokens"],
        },
        interrupts=[{"id": it.id, "name": it.name, "reason": it.reason} for it in result.interrupts or []],
        timings={
            "restore_ms": round(run.begin_seconds * 1000, 1),
            "first_token_ms": round((first_token_seconds or total_seconds) * 1000, 1),
            "total_ms": round(total_seconds * 1000, 1),
        },
    )


def _texts(content: Sequence[dict[str, Any]]) -> Iterator[str]:
    for block in content:
        if "text" in block:
            yield block["text"]
        elif "citationsContent" in block:
            yield from (part["text"] for part in block["citationsContent"].get("content", []) if "text" in part)
