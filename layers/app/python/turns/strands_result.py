"""The result of Strands' stream as an answer."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from strands.agent.agent_result import AgentResult
from strands.interrupt import Interrupt as StrandsInterrupt
from strands.types.content import Message
from strands.types.event_loop import Usage as StrandsUsage

from session_store.errors import ModelFailedError
from session_store.message_text import read_text
from turns.answer import Interrupt, RunAnswer, Usage

if TYPE_CHECKING:  # the graphs and swarms that it brings take 40 ms of a cold start
    from strands.multiagent.base import MultiAgentResult


class AgentFinished(NamedTuple):
    """The end of Strands' stream."""

    result: "AgentResult | MultiAgentResult"


def read_answer(result: "AgentResult | MultiAgentResult") -> RunAnswer:
    """Of a Graph or a Swarm, what its last node answered.

    Raises `ModelFailedError` for an answer that is none: a message without content, a node without words.
    """
    if not isinstance(result, AgentResult):
        return _read_nodes(result)
    if not result.message["content"]:
        raise ModelFailedError("the model gave an empty answer")
    return _read(result, result.metrics.accumulated_usage, result.interrupts or ())


def answer_message(result: "AgentResult | MultiAgentResult", answer: RunAnswer) -> Message | None:
    """What a history shows as the answer; None while the agent waits for a human.

    A structured answer stands there as JSON, since the tool request that it was made with has no result.
    """
    last = result if isinstance(result, AgentResult) else _last_result(result)
    if last is None or answer["stop_reason"] == "interrupt":
        return None
    text = answer["response"] or json.dumps(answer.get("structured_output"), ensure_ascii=False)
    return cast(Message, {**last.message, "content": [{"text": text}]})


def _read_nodes(result: "MultiAgentResult") -> RunAnswer:
    if result.interrupts:
        answer: RunAnswer = {"response": "", "stop_reason": "interrupt", "usage": _read_usage(result.accumulated_usage)}
        return {**answer, "interrupts": _read_interrupts(result.interrupts)}
    last = _last_result(result)
    if last is None or (not read_text(last.message["content"]).strip() and last.structured_output is None):
        raise ModelFailedError("no node gave an answer")
    return _read(last, result.accumulated_usage, ())


def _last_result(result: "MultiAgentResult") -> AgentResult | None:
    """A Graph has an `execution_order`, a Swarm a `node_history`, in which nodes may stand several times."""
    order: Sequence[Any] = getattr(result, "execution_order", None) or getattr(result, "node_history", None) or ()
    names = [node.node_id for node in order] or list(result.results)
    last = result.results[names[-1]].result if names and names[-1] in result.results else None
    if last is None or isinstance(last, AgentResult):
        return last
    return None if isinstance(last, Exception) else _last_result(last)


def _read(result: AgentResult, usage: StrandsUsage, interrupts: Sequence[StrandsInterrupt]) -> RunAnswer:
    answer: RunAnswer = {
        "response": read_text(result.message["content"]),
        "stop_reason": result.stop_reason,
        "usage": _read_usage(usage),
    }
    if interrupts:
        answer["interrupts"] = _read_interrupts(interrupts)
    if result.structured_output is not None:
        answer["structured_output"] = cast(Any, result.structured_output).model_dump(mode="json")
    return answer


def _read_usage(usage: StrandsUsage) -> Usage:
    return {
        "input_tokens": usage["inputTokens"],
        "output_tokens": usage["outputTokens"],
        "total_tokens": usage["totalTokens"],
    }


def _read_interrupts(interrupts: Sequence[StrandsInterrupt]) -> list[Interrupt]:
    return [{"id": each.id, "name": each.name, "reason": each.reason} for each in interrupts]
