"""Turns of an agent that keeps notes in its state, and what is stored of them."""

import json
from collections.abc import Sequence
from typing import Any

from strands import Agent, ToolContext, tool

from session_store.encoding import decode
from session_store.records import MessageRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.store import Store
from tests.support.scripted_model import ScriptedModel, UseTool


@tool(context=True)
def note(text: str, tool_context: ToolContext) -> str:
    """Keeps a note.

    Args:
        text: the note.
    """
    state = tool_context.agent.state
    state.set("notes", [*(state.get("notes") or []), text])
    return "kept"


def turn(
    repository: PostgreSQLSessionRepository, prompt: str, *script: Any, session_id: str = "s", **options: Any
) -> Run:
    with repository.run(session_id, **options) as run:
        model = ScriptedModel(*(script or (f"answer to {prompt}",)))
        Agent(model=model, tools=[note], session_manager=run.session_manager, callback_handler=None)(prompt)
    return run


def three_turns(repository: PostgreSQLSessionRepository) -> None:
    """Messages 0 to 1 plain, 2 to 5 with a tool, 6 to 7 plain."""
    turn(repository, "one")
    turn(repository, "two", UseTool("note", {"text": "two"}), "noted")
    turn(repository, "three")


def stored(store: Store, owner: str, session_id: str = "s") -> Sequence[MessageRecord]:
    return store.messages.list(owner, session_id, "default")


def notes(store: Store, owner: str, session_id: str) -> Any:
    stored_agent = store.agents.read(owner, session_id, "default")
    assert stored_agent
    return json.loads(stored_agent.state).get("notes")


def texts(messages: Sequence[MessageRecord]) -> list[str]:
    return [block["text"] for each in messages for block in decode(each.message)["content"] if "text" in block]
