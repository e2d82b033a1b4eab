# /// script
# requires-python = ">=3.11"
# dependencies = ["langgraph==1.2.22", "langgraph-checkpoint-postgres==3.2.0", "psycopg[binary]==3.3.9"]
# ///
"""LangGraph's PostgresSaver under its prebuilt agent, one connection a process, default durability.

It has no window: a checkpoint holds the whole conversation, whatever of it the model is given.
"""

import warnings

import psycopg
from harness import main, text
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.prebuilt import create_react_agent
from langgraph.warnings import LangGraphDeprecatedSinceV10
from psycopg.rows import dict_row

warnings.filterwarnings("ignore", category=LangGraphDeprecatedSinceV10)  # its newer place is another package


class ScriptedModel(BaseChatModel):
    tools_left: int

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools, **kwargs):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        if self.tools_left:
            self.tools_left -= 1
            call = {"name": "look_up", "args": {"word": "x"}, "id": f"use-{len(messages)}-{self.tools_left}"}
            message = AIMessage("", tool_calls=[call])
        else:
            message = AIMessage(text(len(messages)))
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return text(len(word))


class LangGraphPostgres:
    def __init__(self, url: str) -> None:
        connection = psycopg.connect(url, autocommit=True, prepare_threshold=0, row_factory=dict_row)
        self._saver = PostgresSaver(connection)
        self._saver.setup()

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        kinds = (HumanMessage, AIMessage)
        values = {"messages": [kinds[number % 2](text(number)) for number in range(messages)]}
        if messages:
            self._agent(0).update_state(self._config(session_id), values, as_node="agent")

    def turn(self, session_id: str, tools: int) -> None:
        self._agent(tools).invoke({"messages": [HumanMessage("What next?")]}, self._config(session_id))

    def restore(self, session_id: str, *, window: bool) -> int:
        return len(self._agent(0).get_state(self._config(session_id)).values["messages"])

    def _agent(self, tools: int):
        return create_react_agent(ScriptedModel(tools_left=tools), [look_up], checkpointer=self._saver)

    @staticmethod
    def _config(session_id: str):
        return {"configurable": {"thread_id": session_id}}


if __name__ == "__main__":
    main(LangGraphPostgres)
