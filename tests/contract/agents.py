"""Agents in runs, and runs that do not end."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from strands import Agent
from strands.session.session_manager import SessionManager

from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from tests.contract.transport import Transport
from tests.support.scripted_model import ScriptedModel, Turn

Repository = PostgreSQLSessionRepository


def agent_of(manager: SessionManager[Any], *turns: Turn, tools: Sequence[Any] = (), **options: Any) -> Agent:
    options.setdefault("agent_id", "default")
    options.setdefault("model", ScriptedModel(*turns))
    return Agent(tools=list(tools), session_manager=manager, callback_handler=None, **options)


def hold_turns(repository: Repository, *numbers: int, **options: Any) -> Agent:
    """A run for each number; the agent of the last."""
    agent = None
    for number in numbers:
        with repository.run("s") as run:
            agent = agent_of(run.session_manager, f"answer {number}", **options)
            agent(f"prompt {number}")
    assert agent
    return agent


def restored(repository: Repository, **options: Any) -> Agent:
    with repository.run("s") as run:
        return agent_of(run.session_manager, **options)


def lose_lease(transport: Transport, run: Run) -> None:
    """As after a kill: the run can write no more, and another one may begin."""
    statement = "UPDATE sessions SET lease_until = clock_timestamp() - interval '1 s' WHERE run_id = %s RETURNING 1"
    assert transport.rows(statement, run.run_id)


def break_off(repository: Repository, work: Callable[[Run], object], session_id: str = "s") -> Run:
    """A run that ends with an error, whichever: `work` sees to it."""
    with pytest.raises(Exception), repository.run(session_id) as run:  # noqa: B017, PT011
        work(run)
    return run


def answer(interrupt_id: str, response: Any = "yes") -> dict[str, Any]:
    return {"interruptResponse": {"interruptId": interrupt_id, "response": response}}


def stored(repository: Repository, agent_id: str = "default", session_id: str = "s") -> list[Any]:
    return [message.to_message() for message in repository.list_messages(session_id, agent_id)]


def texts(messages: Sequence[Any]) -> list[str]:
    return [block["text"] for message in messages for block in message["content"] if "text" in block]


def result_texts(messages: Sequence[Any]) -> list[str]:
    """What the tools' results say, in order."""
    blocks = [block["toolResult"] for message in messages for block in message["content"] if "toolResult" in block]
    return [item["text"] for result in blocks for item in result["content"]]
