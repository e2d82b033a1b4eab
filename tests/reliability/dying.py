"""Runs of several kinds in processes that kill themselves at a statement."""

import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from strands import Agent, ToolContext, tool
from strands.agent.conversation_manager import NullConversationManager
from strands.multiagent import GraphBuilder, Swarm

from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.settings import StoreSettings
from session_store.store import Store
from tests.support.scripted_model import ScriptedModel, UseTool

NODES = ("first", "second", "third")


class DyingStore:
    """A store whose process dies before or after one of its calls, each of which is one statement."""

    def __init__(self, store: Store, at: int, side: str) -> None:
        self.statements = 0
        self._store, self._at, self._side = store, at, side

    def __getattr__(self, group: str) -> Any:
        return _DyingCalls(self, getattr(self._store, group))

    def count(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self.statements += 1
        self._die("before")
        result = call(*arguments, **options)
        self._die("after")
        return result

    def _die(self, side: str) -> None:
        if (self.statements, side) == (self._at, self._side):
            os.kill(os.getpid(), signal.SIGKILL)


class _DyingCalls:
    def __init__(self, store: DyingStore, calls: Any) -> None:
        self._store, self._calls = store, calls

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._calls, name)
        if name in ("renew", "is_cancel_requested") or not callable(call):  # the lease keeper's, at any time
            return call
        return lambda *given, **more: self._store.count(call, *given, **more)


class Turns:
    """One run of each kind on a session; `effects` gets a line for each time that a tool did something."""

    def __init__(self, repository: PostgreSQLSessionRepository, session_id: str, effects: Path) -> None:
        self._repository, self._session_id, self._effects = repository, session_id, effects

    def hold(self, kind: str) -> None:
        from_message_id = 2 if kind == "talk_again" else None
        with self._repository.run(self._session_id, lease_seconds=60, from_message_id=from_message_id) as run:
            getattr(self, kind)(run)

    def talk(self, run: Run) -> None:
        self._agent(run, "default", "said")("something")

    def talk_again(self, run: Run) -> None:
        self._agent(run, "default", [self._use("again")], "said otherwise")("something else")

    def ask(self, run: Run) -> None:
        turns = [self._use("early")], [self._use("beside"), self._use_approved("transfer")]
        assert self._agent(run, "default", *turns)("please").stop_reason == "interrupt"

    def answer(self, run: Run) -> None:
        agent = self._agent(run, "default", [self._use("later")], "all done")
        agent(_answers(run))

    def two(self, run: Run) -> None:
        for agent_id in ("default", "second"):
            self._agent(run, agent_id, [self._use(agent_id)], f"{agent_id} says")(f"to {agent_id}")

    def graph(self, run: Run) -> None:
        turns = [([self._use(name)], f"{name} says") for name in NODES]
        assert self._graph(run, *turns)("the task").status.value == "completed"

    def swarm(self, run: Run) -> None:
        hand_offs = [_hand_off("second"), _hand_off("third")]
        turns = [([self._use(name)], [to], "over") for name, to in zip(NODES, hand_offs, strict=False)]
        nodes = self._nodes(*turns, ([self._use("third")], "the end"))
        swarm = Swarm(nodes, session_manager=run.session_manager, id="many")
        assert swarm("the task").status.value == "completed"

    def ask_through(self, run: Run) -> None:
        agent = self._caller(run, [[UseTool("second", {"input": "go"})]], [[self._use_approved("transfer")]])
        assert agent("please").stop_reason == "interrupt"

    def answer_through(self, run: Run) -> None:
        self._caller(run, ["all done"], ["done"])(_answers(run))

    def go_on_through(self, run: Run) -> None:
        agent = self._caller(run, [[UseTool("second", {"input": "and now?"})], "fine"], ["nothing is open"])
        agent("next")
        assert "nothing is open" in str(agent.messages), agent.messages

    def _caller(self, run: Run, turns: list[Any], turns_of_its_tool: list[Any]) -> Agent:
        second = self._agent(run, "second", *turns_of_its_tool)
        as_tool = second.as_tool(name="second", preserve_context=True)
        return self._agent(run, "default", *turns, tools=[as_tool])

    def ask_in_graph(self, run: Run) -> None:
        graph = self._graph(run, ("first says",), ([self._use_approved("transfer")],), ())
        assert graph("the task").status.value == "interrupted"

    def answer_in_graph(self, run: Run) -> None:
        graph = self._graph(run, (), ("second says",), ("third says",))  # only then are its questions known
        assert graph(_answers(run)).status.value == "completed"

    def go_on_in_graph(self, run: Run) -> None:
        graph = self._graph(run, ("first says",), ("second says",), ("third says",))
        assert not run.interrupts
        assert graph("go on").status.value == "completed"

    def _agent(self, run: Run, agent_id: str, *turns: Any, tools: Sequence[Any] = ()) -> Agent:
        return Agent(
            agent_id=agent_id,
            model=ScriptedModel(*turns),
            tools=[*self._tools, *tools],
            session_manager=run.session_manager,
            conversation_manager=NullConversationManager(),
            callback_handler=None,
        )

    def _graph(self, run: Run, *turns: Any) -> Any:
        builder = GraphBuilder()
        for node in self._nodes(*turns):
            builder.add_node(node, node.name)
        builder.add_edge("first", "second")
        builder.add_edge("second", "third")
        return builder.set_graph_id("many").set_max_node_executions(9).set_session_manager(run.session_manager).build()

    def _nodes(self, *turns: Any) -> list[Agent]:
        return [
            Agent(agent_id=name, name=name, model=ScriptedModel(*each), tools=self._tools, callback_handler=None)
            for name, each in zip(NODES, turns, strict=True)
        ]

    @property
    def _tools(self) -> list[Any]:
        @tool
        def effect(name: str) -> str:
            """Have an effect.

            Args:
                name: which.
            """
            self._note(name)
            return f"did {name}"

        @tool(context=True)
        def approved_effect(name: str, tool_context: ToolContext) -> str:
            """Have an effect that a human approves.

            Args:
                name: which.
            """
            tool_context.interrupt("approval")
            self._note(name)
            return f"did {name}"

        return [effect, approved_effect]

    def _note(self, name: str) -> None:
        with self._effects.open("a") as file:
            file.write(f"{name}\n")

    @staticmethod
    def _use(name: str) -> UseTool:
        return UseTool("effect", {"name": name})

    @staticmethod
    def _use_approved(name: str) -> UseTool:
        return UseTool("approved_effect", {"name": name})


def _answers(run: Run) -> Any:
    return [{"interruptResponse": {"interruptId": name, "response": "yes"}} for name in run.interrupts]


def _hand_off(name: str) -> UseTool:
    return UseTool("handoff_to_agent", {"agent_name": name, "message": "go on"})


def hold_dying_turn(url: str, session_id: str, kind: str, effects: Path, at: int, side: str, pipe: Connection) -> None:
    """Sends how many statements the run took, if it does not die before."""
    store = DyingStore(PostgreSQLStore(StoreSettings(url=url)), at, side)
    Turns(PostgreSQLSessionRepository(store=store), session_id, effects).hold(kind)  # type: ignore[arg-type]
    pipe.send(store.statements)
