"""Tools of MCP servers, a client for the process and a client for each turn: neither leaves a server process behind.

`MCP_TURNS=100 pytest -s tests/integration/turns/test_mcp.py` takes a hundred turns each way, and prints the processes.
"""

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
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
TURNS = int(os.environ.get("MCP_TURNS", "8"))


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


def children() -> int:
    """How many live processes this one has started."""
    statuses = [_read(path).rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat")]
    return sum(status[:1] != ["Z"] and status[1:2] == [str(os.getpid())] for status in statuses)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended
        return ""


@contextmanager
def count_of_processes(way: str) -> Generator[list[int]]:
    """How many this one has, before, after the first turn, and after the last."""
    counts = [children()]
    yield counts
    counts.append(children())
    sys.stdout.write(f"{TURNS} turns, a client for {way}: {counts[0]} processes before, {counts[1:]} after one, all\n")


def test_a_client_for_the_process_keeps_one_server(turns: Turns, kept: MCPClient) -> None:
    with count_of_processes("the process") as counts:
        servers = {ask_server(turns, kept, 0)}
        counts.append(children())
        servers |= {ask_server(turns, kept, number) for number in range(1, TURNS)}
    assert len(servers) == 1
    assert counts == [counts[0], counts[0] + 1, counts[0] + 1]


def test_a_client_for_a_turn_takes_its_server_with_it(turns: Turns) -> None:
    with count_of_processes("each turn") as counts:
        servers = {ask_server(turns, make_client(), 0)}
        counts.append(children())
        servers |= {ask_server(turns, make_client(), number) for number in range(1, TURNS)}
    assert len(servers) == TURNS
    assert counts == [counts[0]] * 3


def test_a_client_of_the_process_that_nobody_keeps_comes_back_for_each_turn(turns: Turns) -> None:
    client, before = make_client(), children()
    assert len({ask_server(turns, client, number) for number in range(2)}) == 2
    assert children() == before
