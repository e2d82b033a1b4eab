"""What a hook masks and what a guardrail redacts is not stored, nor kept by the agent."""

import json
from typing import Any

import pytest
from strands import tool
from strands.hooks import MessageAddedEvent

from session_store.run import Run
from tests.contract.agents import Repository, agent_of, break_off, hold_turns, restored, stored, texts
from tests.contract.transport import Transport
from tests.support.scripted_model import UseTool


@tool
def look() -> str:
    """Look."""
    return "seen"


def mask(event: MessageAddedEvent) -> None:
    for block in event.message["content"]:
        if "text" in block:
            block["text"] = block["text"].replace("4929-1234", "****")


def mask_with_another_message(event: MessageAddedEvent) -> None:
    masked: Any = json.loads(json.dumps(event.message).replace("4929-1234", "****"))
    event.agent.messages[-1] = masked


@pytest.mark.parametrize("hook", [mask, mask_with_another_message])
def test_of_a_masked_prompt_the_mask_alone_is_stored(repository: Repository, transport: Transport, hook: Any) -> None:
    def go(run: Run, *turns: Any) -> None:
        agent = agent_of(run.session_manager, *turns, tools=[look])
        agent.add_hook(hook, MessageAddedEvent)
        agent("my card is 4929-1234")

    with repository.run("s") as run:
        go(run, [UseTool("look", {})], "noted")
    break_off(repository, lambda run: go(run, [UseTool("look", {})], RuntimeError("broke")))
    assert texts(stored(repository))[:2] == ["my card is ****", "noted"]
    assert repository.list_sessions().sessions[0].preview == "my card is ****"
    for table in ("sessions", "agents", "messages", "multi_agents", "runs"):
        statement = f"SELECT 1 FROM {table} t WHERE t::text LIKE %s"  # noqa: S608 - from the list above
        assert not transport.rows(statement, "%4929-1234%"), table


def test_what_was_redacted_is_not_kept_by_its_agent(repository: Repository, transport: Transport) -> None:
    hold_turns(repository, 0)
    with repository.run("s") as run:
        agent_of(run.session_manager).messages[0]["content"][0]["text"] = "prompt 0, my secret"
    record = repository.read_message("s", "default", 0)
    assert record
    record.redact_message = {"role": "user", "content": [{"text": "[redacted]"}]}
    repository.update_message("s", "default", record)
    hold_turns(repository, 1)
    assert texts(restored(repository).messages)[0] == "[redacted]"
    assert not transport.rows("SELECT 1 FROM agents t WHERE t::text LIKE %s", "%my secret%")
