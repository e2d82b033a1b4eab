"""A tool that a human has to approve."""

from collections.abc import Callable
from typing import Any

from strands import tool
from strands.types.tools import ToolContext


class Bank:
    """A tool with an effect that a human has to approve, and what happens in it afterwards."""

    def __init__(self) -> None:
        self.transfers: list[str] = []
        self.then: Callable[[], object] = lambda: None

    @property
    def tools(self) -> list[Any]:
        @tool(context=True)
        def transfer(to: str, tool_context: ToolContext) -> str:
            """Transfer money.

            Args:
                to: who gets it.
            """
            if tool_context.interrupt(f"transfer to {to}") != "yes":
                return "not transferred"
            self.transfers.append(to)
            self.then()
            return f"transferred to {to}"

        @tool
        def look() -> str:
            """Look."""
            return "seen"

        return [transfer, look]
