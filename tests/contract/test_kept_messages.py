"""What an agent held at the end of a run is what the next run restores."""

import json
import logging
from typing import Any

import pytest
from strands import Agent, tool
from strands.agent.conversation_manager import (
    NullConversationManager,
    SlidingWindowConversationManager,
    SummarizingConversationManager,
)
from strands.agent.conversation_manager.compression.pin_message import pin_message
from strands.hooks import AfterInvocationEvent
from strands.types.exceptions import ContextWindowOverflowException
from strands.types.session import SessionMessage

from session_store.run import Run
from session_store.run_agent import KEPT
from tests.contract.agents import Repository, agent_of, break_off, hold_turns, restored, result_texts, stored, texts
from tests.contract.transport import Transport
from tests.reliability.turns import assert_valid
from tests.support.scripted_model import ScriptedModel, UseTool


def window(**options: Any) -> SlidingWindowConversationManager:
    return SlidingWindowConversationManager(window_size=4, **options)


def test_pinned_messages_stay(repository: Repository) -> None:
    for number in range(4):
        held = hold_turns(repository, number, conversation_manager=window(pin_first=1)).messages
    assert texts(held) == ["prompt 0", "prompt 2", "answer 2", "prompt 3", "answer 3"]
    again = restored(repository, conversation_manager=window(pin_first=1))
    assert again.messages == held
    assert len(stored(repository)) == 8


def test_a_message_pinned_within_the_window_is_pinned_again(repository: Repository) -> None:
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "answer 0", conversation_manager=window())
        agent("prompt 0")
        pin_message(agent.messages, 0)
    for number in (1, 2, 3):
        held = hold_turns(repository, number, conversation_manager=window()).messages
    assert texts(held)[0] == "prompt 0"
    assert restored(repository, conversation_manager=window()).messages == held


def test_cleared_messages_are_gone(repository: Repository) -> None:
    hold_turns(repository, 0)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "answer 1")
        agent.messages.clear()
    assert restored(repository).messages == []
    hold_turns(repository, 1)
    assert texts(restored(repository).messages) == ["prompt 1", "answer 1"]
    assert texts(stored(repository)) == ["prompt 0", "answer 0", "prompt 1", "answer 1"]


def test_an_agent_goes_on_from_a_loaded_snapshot(repository: Repository) -> None:
    hold_turns(repository, 0)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager)
        agent.state.set("color", "red")
        snapshot = agent.take_snapshot(preset="session")
    hold_turns(repository, 1, 2)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "answer 3")
        agent.state.set("color", "blue")
        agent.load_snapshot(snapshot)
        agent("prompt 3")
    again = restored(repository)
    assert again.messages == agent.messages
    assert texts(again.messages) == ["prompt 0", "answer 0", "prompt 3", "answer 3"]
    assert again.state.get("color") == "red"


def test_a_foreign_snapshot_is_restored_too(repository: Repository) -> None:
    other = Agent(model=ScriptedModel("from elsewhere"), callback_handler=None)
    other("somewhere")
    hold_turns(repository, 0)
    with repository.run("s") as run:
        agent_of(run.session_manager).load_snapshot(other.take_snapshot(preset="session"))
    assert texts(restored(repository).messages) == ["somewhere", "from elsewhere"]
    hold_turns(repository, 1)
    assert texts(restored(repository).messages) == ["somewhere", "from elsewhere", "prompt 1", "answer 1"]


def test_a_summary_is_restored_with_what_it_does_not_hold(repository: Repository) -> None:
    def manager() -> SummarizingConversationManager:
        return SummarizingConversationManager(summary_ratio=0.5, preserve_recent_messages=2, pin_first=1)

    hold_turns(repository, 0, 1, 2, conversation_manager=manager())
    with repository.run("s") as run:
        overflow = ContextWindowOverflowException("full")
        agent = agent_of(run.session_manager, overflow, "the summary", "answer 3", conversation_manager=manager())
        agent("prompt 3")
    assert texts(agent.messages)[:2] == ["prompt 0", "the summary"]
    assert restored(repository, conversation_manager=manager()).messages == agent.messages


def test_a_summary_that_failed_loses_no_message(repository: Repository) -> None:
    def manager() -> SummarizingConversationManager:
        return SummarizingConversationManager(summary_ratio=0.5, preserve_recent_messages=2)

    held = hold_turns(repository, 0, 1, 2, conversation_manager=manager()).messages
    with repository.run("s") as run:
        turns = ContextWindowOverflowException("full"), RuntimeError("no summary")
        agent = agent_of(run.session_manager, *turns, conversation_manager=manager())
        with pytest.raises(RuntimeError, match="no summary"):
            agent("prompt 3")
    again = restored(repository, conversation_manager=manager())
    assert again.messages == agent.messages
    assert again.messages[:-1] == held


@tool
def look() -> str:
    """Look."""
    return "seen"


@pytest.mark.parametrize("per_turn", [False, True])
def test_after_a_turn_longer_than_the_window_the_next_one_knows_its_question(
    repository: Repository, per_turn: bool
) -> None:
    hold_turns(repository, 0, conversation_manager=window(per_turn=per_turn))
    turns = [*[[UseTool("look", {})]] * 5, "all seen"]
    with repository.run("s") as run:
        agent_of(run.session_manager, *turns, tools=[look], conversation_manager=window(per_turn=per_turn))(
            "the question"
        )
    model = ScriptedModel("fine")
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, model=model, conversation_manager=window(per_turn=per_turn))
        assert texts(agent.messages) == ["the question", "all seen"]
        agent("next")
    assert_valid([*model.calls[0]["messages"], {"role": "assistant", "content": []}])


def test_state_of_the_application_is_kept_before_after_and_without_a_turn(repository: Repository) -> None:
    with repository.run("s") as run:
        agent_of(run.session_manager).state.set("new", 1)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "Hi")
        agent.state.set("before", 2)
        agent("Hello")
        agent.state.set("after", 3)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager)
        agent.state.set("alone", 4)
        agent_of(run.session_manager, agent_id="second").state.set("second", 5)
    with repository.run("s") as run:
        assert agent_of(run.session_manager).state.get() == {"new": 1, "before": 2, "after": 3, "alone": 4}
        assert agent_of(run.session_manager, agent_id="second").state.get() == {"second": 5}


def test_a_run_that_changes_nothing_of_an_agent_writes_nothing_of_it(
    repository: Repository, transport: Transport
) -> None:
    hold_turns(repository, 0, 1)
    before = transport.rows("SELECT t::text, xmin::text FROM agents t")
    restored(repository)
    assert transport.rows("SELECT t::text, xmin::text FROM agents t") == before


def test_a_message_edited_in_place_is_restored_as_edited_and_stays_stored_as_it_was(repository: Repository) -> None:
    with repository.run("s") as run:
        agent_of(run.session_manager, UseTool("look", {"far": 1}), "answer 0", tools=[look])("prompt 0")
    with repository.run("s") as run:
        messages: Any = agent_of(run.session_manager).messages
        messages[1]["content"][0]["toolUse"]["input"]["far"] = True  # equal to 1, and another value
        messages[3]["content"][0]["text"] = "edited"
    hold_turns(repository, 1)
    again: Any = restored(repository).messages
    assert texts(again) == ["prompt 0", "edited", "prompt 1", "answer 1"]
    assert again[1]["content"][0]["toolUse"]["input"]["far"] is True
    assert texts(stored(repository)) == ["prompt 0", "answer 0", "prompt 1", "answer 1"]


def test_a_turn_that_breaks_off_keeps_what_was_kept_before(repository: Repository) -> None:
    hold_turns(repository, 0)
    with repository.run("s") as run:
        agent = agent_of(run.session_manager)
        agent.messages[1]["content"][0]["text"] = "edited"
        agent.messages.insert(0, {"role": "user", "content": [{"text": "before"}]})

    def go(run: Run) -> None:
        agent_of(run.session_manager, [UseTool("look", {})], RuntimeError("broke"), tools=[look])("prompt 1")

    break_off(repository, go)
    assert texts(restored(repository).messages)[:3] == ["before", "prompt 0", "edited"]


def test_messages_of_other_clients_are_not_taken_for_changed(repository: Repository, transport: Transport) -> None:
    """Their JSON has spaces, and no `tracking_id`."""
    hold_turns(repository, 0)
    foreign = json.dumps({"role": "assistant", "content": [{"text": "käse"}]})
    repository.create_message("s", "default", SessionMessage(json.loads('{"role":"user","content":[{"text":"x"}]}'), 2))
    transport.rows("UPDATE messages SET message = %s::json WHERE message_id = 1 RETURNING 1", foreign)
    hold_turns(repository, 1)
    agent = repository.read_agent("s", "default")
    assert agent
    assert KEPT not in agent._internal_state


class LargeModel(ScriptedModel):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "context_window_limit": 30_000}


@pytest.mark.parametrize("manager", ["auto", "agentic", NullConversationManager, SlidingWindowConversationManager])
def test_whatever_manages_the_context_what_it_left_is_restored(repository: Repository, manager: Any) -> None:
    @tool
    def read() -> str:
        """Read much."""
        return "word " * 9_000

    name = "context_manager" if isinstance(manager, str) else "conversation_manager"

    def options() -> dict[str, Any]:
        return {name: manager if isinstance(manager, str) else manager(), "tools": [read]}

    for number in range(3):
        with repository.run("s") as run:
            model = LargeModel([UseTool("read", {})], f"answer {number}")
            agent = agent_of(run.session_manager, model=model, **options())
            agent(f"prompt {number}")
        again = restored(repository, model=LargeModel(), **options())
        assert again.messages == agent.messages
    assert [text for text in texts(again.messages) if text.startswith("prompt")] == [f"prompt {n}" for n in range(3)]


def test_more_than_can_be_kept_is_told_once(repository: Repository, caplog: pytest.LogCaptureFixture) -> None:
    def fill(event: AfterInvocationEvent) -> None:
        event.agent.messages.insert(0, {"role": "user", "content": [{"text": "x" * 1_200_000}]})

    with caplog.at_level(logging.WARNING), repository.run("s") as run:
        agent = agent_of(run.session_manager, [UseTool("look", {})], "fine", tools=[look])
        agent.add_hook(fill, AfterInvocationEvent)
        agent("go")
    assert len([record for record in caplog.records if "cannot be kept" in record.getMessage()]) == 1
    assert result_texts(restored(repository).messages) == ["seen"]
