"""Gives the agent of one turn what its frontend brings along.

A call to a frontend's tool is an interrupt like any other, so it lasts: the turn ends with it, and a later turn goes on
with its result.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import strands
from strands import Agent, ToolContext
from strands.hooks import MessageAddedEvent
from strands.middleware import InvokeModelContext, InvokeModelStage

from session_store.errors import AwaitingResponseError, InvalidInputError
from turns.frontend_input import INTERRUPT_NAME, Frontend, FrontendResult, FrontendTool, find_call
from turns.message_ids import keep_client_ids
from turns.request import Prompt

if TYPE_CHECKING:
    from turns.agents import BuiltAgent

# Members that a frontend never names again stay, and each of its turns begins with all of them.
MAXIMUM_STATE_BYTES = 1_048_576
WENT_ON = "The tool was not carried out: the user went on instead."


def connect_frontend(
    built: "BuiltAgent", frontend: Frontend, waiting: Mapping[str, Mapping[str, Any]], prompt: Prompt
) -> Prompt:
    """Give the agent what the frontend brings; the prompt as the agent takes it.

    waiting: the interrupts without an answer, by id, as Strands keeps them. Raises `AwaitingResponseError` for results
    that nothing waits for, `InvalidInputError` for what the agent cannot take.
    """
    answers = _answer_calls(frontend.results, waiting, is_alone=not prompt)
    if not isinstance(built, Agent):
        _refuse_for_nodes(frontend)
        return prompt
    _add_tools(built, frontend.tools)
    _add_awaited_tools(built, waiting)
    _add_state(built, frontend.state)
    if frontend.context:
        built.add_middleware(InvokeModelStage.Input, _ContextReader(frontend.context).read)
    if not waiting:
        return _message(prompt, frontend.message_id)
    if _answers_interrupts(prompt):
        built.add_hook(_ClientsPart(frontend).complete, MessageAddedEvent)
        return [*_blocks(prompt), *answers]
    return _go_on(built, prompt, answers, waiting, _ClientsPart(frontend, _blocks(prompt)))


def _refuse_for_nodes(frontend: Frontend) -> None:
    for name in ("tools", "state", "context"):
        if getattr(frontend, name):
            raise InvalidInputError(name, "must be empty: the agent is a Graph or a Swarm, which takes none")


def _add_state(agent: Agent, given: Mapping[str, Any]) -> None:
    if given and len(json.dumps({**agent.state.get(), **given})) > MAXIMUM_STATE_BYTES:
        raise InvalidInputError("state", f"must take at most {MAXIMUM_STATE_BYTES} bytes with what the agent holds")
    for name, value in given.items():
        agent.state.set(name, value)


def _add_tools(agent: Agent, tools: Sequence[FrontendTool]) -> None:
    for number, given in enumerate(tools):
        if _is_taken(agent, given.name):
            raise InvalidInputError(f"tools[{number}].name", "is the name of another tool")
        agent.tool_registry.register_tool(_make_tool(given))


def _is_taken(agent: Agent, name: str) -> bool:
    """Strands takes hyphens and underscores in names for the same."""
    return name.replace("-", "_") in {known.replace("-", "_") for known in agent.tool_registry.registry}


def _add_awaited_tools(agent: Agent, waiting: Mapping[str, Mapping[str, Any]]) -> None:
    """Those that the frontend does not name again: their results are to reach the model all the same."""
    for interrupt in waiting.values():
        if find_call(interrupt) and not _is_taken(agent, name := interrupt["reason"]["tool_name"]):
            agent.tool_registry.register_tool(_make_tool(FrontendTool(name, name, {"type": "object"})))


def _make_tool(given: FrontendTool) -> Any:
    async def ask(tool_context: ToolContext) -> Any:
        use = tool_context.tool_use
        reason = {"tool_call_id": use["toolUseId"], "tool_name": use["name"]}
        return tool_context.interrupt(INTERRUPT_NAME, reason=reason)

    decorate = cast(Any, strands).tool
    return decorate(
        name=given.name, description=given.description, inputSchema={"json": given.input_schema}, context=True
    )(ask)


def find_calls(interrupts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Of interrupts by id, as Strands keeps them: the ids of those that are calls to a frontend's tools, by call."""
    found = {name: find_call(interrupt) for name, interrupt in interrupts.items()}
    return {call: name for name, call in found.items() if call is not None}


def _answer_calls(
    results: Sequence[FrontendResult], waiting: Mapping[str, Mapping[str, Any]], *, is_alone: bool
) -> list[dict[str, Any]]:
    """Results that nothing waits for are those of the agent's own tools, which clients repeat."""
    calls = find_calls(waiting)
    known = [result for result in results if result.tool_call_id in calls]
    if is_alone and not known:
        raise AwaitingResponseError("the agent waits for no result of such a tool call", list(waiting))
    return [_answer(calls[result.tool_call_id], result.content, is_error=result.is_error) for result in known]


def _answer(interrupt_id: str, content: list[dict[str, Any]], *, is_error: bool) -> dict[str, Any]:
    response = {"status": "error" if is_error else "success", "content": content}
    return {"interruptResponse": {"interruptId": interrupt_id, "response": response}}


def _go_on(
    agent: Agent,
    prompt: Prompt,
    answers: list[dict[str, Any]],
    waiting: Mapping[str, Mapping[str, Any]],
    part: "_ClientsPart",
) -> Prompt:
    """A user who writes while calls wait ends those without a result, and the words follow the results."""
    calls = set(find_calls(waiting).values())
    if calls != set(waiting):
        return prompt  # a human is asked as well, which no other words answer: the run refuses them
    answered = {answer["interruptResponse"]["interruptId"] for answer in answers}
    ended = [_answer(call, [{"text": WENT_ON}], is_error=True) for call in calls - answered]
    agent.add_hook(part.complete, MessageAddedEvent)
    return [*answers, *ended]


class _ClientsPart:
    """What in the message of the results for which an agent waits is the client's: their ids, and words behind them."""

    def __init__(self, frontend: Frontend, words: Sequence[dict[str, Any]] = ()) -> None:
        self._frontend, self._words = frontend, words
        self._is_complete = False

    def complete(self, event: MessageAddedEvent) -> None:
        message = cast(dict[str, Any], event.message)
        results = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if self._is_complete or not results:
            return
        self._is_complete = True
        known = {result.tool_call_id: result.message_id for result in self._frontend.results}
        ids = [*map(known.get, results), self._frontend.message_id if self._words else None]
        message["content"].extend(self._words)
        if any(ids):
            keep_client_ids(message, ids)


class _ContextReader:
    """Appends the context to the last message that the model reads, in each of the turn's calls."""

    def __init__(self, context: Sequence[str]) -> None:
        self._text = "\n\n" + "\n".join(f"<context>\n{each}\n</context>" for each in context)

    def read(self, context: InvokeModelContext) -> InvokeModelContext:
        *before, last = context.messages
        if last["role"] != "user":
            return context
        extended: Any = {**last, "content": [*last["content"], {"text": self._text}]}
        trailing = context.dynamic_trailing_blocks + 1
        return context.replace(messages=[*before, extended], dynamic_trailing_blocks=trailing)


def _answers_interrupts(prompt: Prompt) -> bool:
    return not prompt or (isinstance(prompt, list) and "interruptResponse" in prompt[0])


def _blocks(prompt: Prompt) -> list[dict[str, Any]]:
    return [{"text": prompt}] if isinstance(prompt, str) and prompt else [*cast(list[dict[str, Any]], prompt)]


def _message(prompt: Prompt, message_id: str | None) -> Prompt:
    if message_id is None or _answers_interrupts(prompt):
        return prompt
    return [{"role": "user", "content": _blocks(prompt), "tracking_id": message_id}]
