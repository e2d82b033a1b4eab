"""The turns of the soak: what its agents, its second agents and its Graphs do in one run."""

import random
from collections.abc import Callable
from typing import Any

from strands import Agent, ToolContext, tool
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.multiagent import GraphBuilder

from session_store.run import Run
from tests.support.scripted_model import ScriptedModel, UseTool

MODEL_FAILURE = "the soak's model fails"
SECOND_AGENT = "second"


class SoakTurns:
    """note: is given the name of each operation as the effect that a human approved takes place.

    note_graph: and as its Graph has ended, with the task that it worked on: that of an earlier operation, where Strands
    goes on with a Graph that broke off.
    """

    def __init__(
        self,
        choose: random.Random,
        note: Callable[[str], None],
        note_graph: Callable[[str, str], None] = lambda name, task: None,
    ) -> None:
        self._random = choose
        self._note, self._note_graph = note, note_graph

    def hold(self, run: Run, operation: str) -> str:
        """Answer what the session waits for, or hold a turn of its own: the operation that has its answer then.

        Nothing, where the turn asks a human.
        """
        if run.interrupts:
            return self.answer(run)
        kind = self._random.random()
        if kind < 0.1:
            self.hold_second(run, operation)
        if kind > 0.95:
            self.hold_graph(run, operation)
        asks = 0.1 < kind < 0.2
        agent = self._agent(run, *(self._question(operation) if asks else self._script(operation)))
        agent.state.set("operation", operation)
        agent(f"prompt {operation}")
        return "" if asks else operation

    def answer(self, run: Run) -> str:
        interrupts = run.interrupts
        asked: str = next(iter(interrupts.values()))["reason"]
        answers: Any = [{"interruptResponse": {"interruptId": name, "response": "yes"}} for name in interrupts]
        agent = self._agent(run, f"answer {asked}")
        agent.state.set("operation", asked)
        agent(answers)
        return asked

    def hold_second(self, run: Run, operation: str) -> None:
        use = UseTool("work", {"name": operation})
        self._agent(run, use, f"answer {operation}", agent_id=SECOND_AGENT)(f"prompt {operation}")

    def hold_graph(self, run: Run, operation: str) -> None:
        builder = GraphBuilder()
        for name in ("first", "second"):
            model = ScriptedModel(UseTool("work", {"name": operation}), f"answer {operation}")
            builder.add_node(Agent(name=name, agent_id=name, model=model, tools=[work], callback_handler=None), name)
        builder.add_edge("first", "second")
        builder.set_graph_id("graph").set_max_node_executions(9).set_session_manager(run.session_manager)
        graph = builder.build()
        status = graph(f"task {operation}").status.value
        assert status == "completed", status
        self._note_graph(operation, str(graph.state.task))

    def _agent(self, run: Run, *turns: Any, agent_id: str = "default") -> Agent:
        return Agent(
            agent_id=agent_id,
            model=ScriptedModel(*turns),
            tools=[work, self._approved_work],
            session_manager=run.session_manager,
            conversation_manager=SlidingWindowConversationManager(window_size=12),
            callback_handler=None,
        )

    def _question(self, operation: str) -> list[Any]:
        use = UseTool("work", {"name": operation})
        ask = UseTool("approved_work", {"name": operation})
        return [[use, ask]] if self._random.random() < 0.5 else [use, [ask]]

    def _script(self, operation: str) -> list[Any]:
        answer = f"answer {operation}"
        use = UseTool("work", {"name": operation})
        kind = self._random.random()
        if kind < 0.03:
            return [RuntimeError(MODEL_FAILURE)]
        if kind < 0.06:
            return [use, RuntimeError(MODEL_FAILURE)]
        if kind < 0.5:
            return [answer]
        return [use, answer] if kind < 0.8 else [[use, use], use, answer]

    @property
    def _approved_work(self) -> Any:
        @tool(context=True)
        def approved_work(name: str, tool_context: ToolContext) -> str:
            """Works once a human has agreed.

            Args:
                name: the operation.
            """
            tool_context.interrupt("approval", reason=name)
            self._note(name)
            return f"result {name}"

        return approved_work


@tool
def work(name: str) -> str:
    """Works.

    Args:
        name: the operation.
    """
    return f"result {name}"
