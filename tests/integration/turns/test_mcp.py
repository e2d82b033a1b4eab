"""Tools of MCP servers, a client for the process and a client for each turn: neither leaves a server process behind."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters, stdio_client
from strands import Agent
from strands.tools.mcp import MCPClient

from tests.integration.turns.turning import Turns
from tests.support.http_api import ROOT
from tests.support.scripted_model import ScriptedModel, UseTool
from turns.agent_turn import AgentTurn
from turns.projections import whole

SERVER = StdioServerParameters(command=sys.executable, args=[str(ROOT / "tests/support/mcp_server.py")])
TURNS = 8


def make_client() -> MCPClient:
    return MCPClient(lambda: stdio_client(SERVER))


def repeat_result(messages: Any) -> str:
    return messages[-1]["content"][0]["toolResult"]["content"][0]["text"]


def build_with(client: MCPClient, turn: AgentTurn) -> Agent:
    model = ScriptedModel(UseTool("whoami", {}), repeat_result)
    return Agent(model=model, tools=[client], session_manager=turn.session_manager, callback_handler=None)


@pytest.fixture
def kept() -> Iterator[MCPClient]:
    """A client that stays: it counts the process among those that use it."""
    client = make_client()
    client.add_consumer("the process")
    yield client
    client.stop(None, None, None)


def ask_server(turns: Turns, client: MCPClient, number: int) -> int:
    answer = whole.answer(turns.begin(lambda turn: build_with(client, turn), session_id=f"s{number}"))
    return int(answer["response"])


def is_alive(process_id: int) -> bool:
    status = Path(f"/proc/{process_id}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_client_for_the_process_keeps_one_server(turns: Turns, kept: MCPClient) -> None:
    assert len({ask_server(turns, kept, number) for number in range(TURNS)}) == 1


def test_a_client_for_a_turn_takes_its_server_with_it(turns: Turns) -> None:
    servers = {ask_server(turns, make_client(), number) for number in range(TURNS)}
    assert len(servers) == TURNS
    assert not [server for server in servers if is_alive(server)]


def test_a_client_of_the_process_that_nobody_keeps_comes_back_for_each_turn(turns: Turns) -> None:
    client = make_client()
    servers = {ask_server(turns, client, number) for number in range(2)}
    assert not [server for server in servers if is_alive(server)]
