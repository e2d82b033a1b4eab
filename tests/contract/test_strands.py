"""Strands' own agents, managers and orchestrations on top of the repository."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from strands import Agent, tool
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.hooks import BeforeModelCallEvent
from strands.session.repository_session_manager import RepositorySessionManager
from strands.session.session_manager import SessionManager
from strands.types.tools import ToolContext

from session_store.errors import SessionBusyError
from session_store.repository import PostgreSQLSessionRepository
from tests.contract.orchestration import ORCHESTRATION_ID, SESSION_ID, orchestrate
from tests.contract.transport import Transport
from tests.reliability.processes import Worker
from tests.support.scripted_model import REDACTED, ScriptedModel, Stop, Turn, UseTool

Repository = PostgreSQLSessionRepository


def agent_of(manager: SessionManager, *turns: Turn, tools: Sequence[Any] = (), **options: Any) -> Agent:
    options.setdefault("agent_id", "default")
    return Agent(
        model=ScriptedModel(*turns), tools=list(tools), session_manager=manager, callback_handler=None, **options
    )


def texts(messages: Sequence[Any]) -> list[str]:
    return [block["text"] for message in messages for block in message["content"] if "text" in block]


def stored_texts(repository: Repository, session_id: str = "s") -> list[str]:
    return texts([message.to_message() for message in repository.list_messages(session_id, "default")])


def bare(repository: Repository) -> RepositorySessionManager:
    return RepositorySessionManager("s", repository)


def test_the_bare_manager_continues_a_conversation(repository: Repository) -> None:
    agent_of(bare(repository), "Hello Alice")("My name is Alice")
    agent = agent_of(bare(repository), "Alice")
    assert texts(agent.messages) == ["My name is Alice", "Hello Alice"]
    agent("What is my name?")
    assert stored_texts(repository) == ["My name is Alice", "Hello Alice", "What is my name?", "Alice"]


def test_a_run_continues_a_conversation_in_two_round_trips_a_turn(repository: Repository) -> None:
    with repository.run("s") as run:
        agent_of(run.session_manager, "Hello Alice")("My name is Alice")
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "Alice")
        assert texts(agent.messages) == ["My name is Alice", "Hello Alice"]
        agent("What is my name?")
    assert run.round_trips == 2
    assert stored_texts(repository) == ["My name is Alice", "Hello Alice", "What is my name?", "Alice"]


@tool
def remember(word: str, agent: Agent) -> str:
    """Remember a word."""
    agent.state.set("word", word)
    return f"I remember {word}"


def test_a_tool_turn_keeps_requests_results_and_state(repository: Repository) -> None:
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, [UseTool("remember", {"word": "käse"})], "Done", tools=[remember])
        agent("Remember käse")
    assert run.round_trips == 4
    with repository.run("s") as run:
        restored = agent_of(run.session_manager, tools=[remember])
    assert restored.state.get("word") == "käse"
    assert json.dumps(restored.messages) == json.dumps(agent.messages)
    assert [message["role"] for message in restored.messages] == ["user", "assistant", "user", "assistant"]


def test_what_a_tool_has_changed_is_in_the_next_write_of_any_agent(repository: Repository) -> None:
    """Here before the agent's own, which begins with its call of the model."""
    stored: list[Any] = []

    def write(event: BeforeModelCallEvent) -> None:
        run.flush()
        found = repository.read_agent("s", "default")
        stored.append(found and found.state)

    with repository.run("s") as run:
        agent_of(run.session_manager, agent_id="another")
        agent = agent_of(run.session_manager, [UseTool("remember", {"word": "käse"})], "Done", tools=[remember])
        agent.hooks.add_callback(BeforeModelCallEvent, write, order=-1000)
        agent("Remember käse")
    assert stored == [{}, {"word": "käse"}]


def test_what_a_turn_has_changed_is_in_the_next_write(repository: Repository) -> None:
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "Done")
        agent.hooks.add_callback(BeforeModelCallEvent, lambda event: agent.state.set("word", "käse"))
        agent("Remember käse")
        run.flush()
        found = repository.read_agent("s", "default")
    assert found
    assert found.state == {"word": "käse"}


def test_a_failed_run_leaves_a_history_that_a_next_prompt_can_follow(repository: Repository) -> None:
    turns = [UseTool("remember", {"word": "x"})], RuntimeError("the model is away")
    run = repository.run("s")
    with pytest.raises(Exception, match="model is away"), run:
        agent_of(run.session_manager, *turns, tools=[remember])("Remember x")
    assert repository.read_run(run.run_id).status == "failed"
    with repository.run("s") as run:
        agent = agent_of(run.session_manager, "Here", tools=[remember])
        agent("Still there?")
    roles = [message["role"] for message in agent.messages]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert stored_texts(repository)[-1] == "Here"


def test_a_guardrail_redacts_what_is_stored(repository: Repository, transport: Transport) -> None:
    with repository.run("s") as run:
        agent_of(run.session_manager, [Stop("guardrail_intervened"), "No."])("the secret 4929-1234-9999")
    assert stored_texts(repository)[0] == REDACTED
    for table in ("sessions", "agents", "messages", "multi_agents", "runs"):
        statement = f"SELECT 1 FROM {table} t WHERE t::text LIKE %s"  # noqa: S608 - from the list above
        assert not transport.rows(statement, "%4929-1234-9999%"), table


def test_a_window_that_removed_more_than_is_stored_destroys_no_message(repository: Repository) -> None:
    """Strands' manager counts from 0 again then; what it counts 0 is not message 0."""
    agent_of(bare(repository), "Hi")("Hello")
    stored = repository.read_agent("s", "default")
    assert stored
    stored.conversation_manager_state["removed_message_count"] = 9
    repository.update_agent("s", stored)
    agent = agent_of(bare(repository), "Again")
    assert agent.messages == []
    agent("Hello again")
    assert stored_texts(repository) == ["Hello", "Hi", "Hello again", "Again"]


def test_a_window_is_what_a_run_restores(repository: Repository) -> None:
    for number in range(4):
        with repository.run("s") as run:
            window = SlidingWindowConversationManager(window_size=4)
            agent_of(run.session_manager, f"answer {number}", conversation_manager=window)(f"prompt {number}")
    assert len(stored_texts(repository)) == 8
    with repository.run("s") as run:
        assert run.restored_message_count == 4


@tool(context=True)
def ask_human(tool_context: ToolContext) -> str:
    """Ask a human."""
    return f"the human said {tool_context.interrupt('approval', reason='May I?')}"


def test_a_run_that_waits_for_a_human_goes_on_when_answered(repository: Repository) -> None:
    with repository.run("s") as run:
        result = agent_of(run.session_manager, [UseTool("ask_human", {})], tools=[ask_human])("Do it")
    assert result.stop_reason == "interrupt"
    with repository.run("s") as run:
        ((interrupt_id, interrupt),) = run.interrupts.items()
        assert interrupt["reason"] == "May I?"
        agent = agent_of(run.session_manager, "Done", tools=[ask_human])
        agent([{"interruptResponse": {"interruptId": interrupt_id, "response": "yes"}}])
    assert "the human said yes" in json.dumps(agent.messages)
    with repository.run("s") as run:
        assert run.interrupts == {}


def test_the_same_key_calls_no_model_again(repository: Repository) -> None:
    with repository.run("s", idempotency_key="k", request_hash="h") as run:
        agent_of(run.session_manager, "Hi")("Hello")
        run.complete({"stop_reason": "end_turn"})
    with repository.run("s", idempotency_key="k", request_hash="h") as again:
        assert again.stored
        assert again.stored.run_id == run.run_id
        assert json.loads(again.stored.result or "") == {"stop_reason": "end_turn"}
        assert "Hi" in (again.stored.answer or "")
    assert stored_texts(repository) == ["Hello", "Hi"]


def test_a_bare_manager_writes_nothing_into_a_run(repository: Repository) -> None:
    agent_of(bare(repository), "Hi")("Hello")
    late = agent_of(bare(repository), "never")
    with repository.run("s") as run:
        with pytest.raises(SessionBusyError):
            late("Hello again")
        agent_of(run.session_manager, "Fine")("How are you?")
    assert stored_texts(repository) == ["Hello", "Hi", "How are you?", "Fine"]


def test_two_writers_on_one_session_lose_nothing(transport: Transport, owner: str) -> None:
    turns_each = 8

    def write(name: str) -> None:
        store = transport.open()
        repository = PostgreSQLSessionRepository(owner=owner, store=store)
        for number in range(turns_each):
            hold_turn_when_free(repository, f"{name} {number}")
        store.close()

    with ThreadPoolExecutor() as writers:
        list(writers.map(write, "ab"))
    store = transport.open()
    stored = stored_texts(PostgreSQLSessionRepository(owner=owner, store=store))
    store.close()
    prompts, answers = stored[::2], stored[1::2]
    assert answers == [f"answer to {prompt}" for prompt in prompts]
    for name in "ab":
        assert [prompt for prompt in prompts if prompt.startswith(name)] == [f"{name} {n}" for n in range(turns_each)]


def hold_turn_when_free(repository: Repository, prompt: str) -> None:
    while True:
        try:
            with repository.run("s") as run:
                agent_of(run.session_manager, f"answer to {prompt}")(prompt)
        except SessionBusyError:
            continue
        return


@pytest.mark.parametrize("kind", ["graph", "swarm"])
def test_an_orchestration_goes_on_in_another_process(
    repository: Repository, transport: Transport, owner: str, kind: str
) -> None:
    assert Worker(orchestrate, transport, owner, kind, True).last_word() is None
    stored = repository.read_multi_agent(SESSION_ID, ORCHESTRATION_ID)
    assert stored
    assert stored["next_nodes_to_execute"] == ["second"]
    assert Worker(orchestrate, transport, owner, kind, False).last_word() == {"status": "completed", "calls": [0, 1]}
    finished = repository.read_multi_agent(SESSION_ID, ORCHESTRATION_ID)
    assert finished
    assert "second says" in json.dumps(finished["node_results"]["second"])
    assert finished["next_nodes_to_execute"] == []
