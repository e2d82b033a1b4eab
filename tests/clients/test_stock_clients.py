"""`POST /ag-ui` and `POST /chat` by the clients that people have, in Node.

AG-UI's current client, the one that CopilotKit's runtime brings, and `useChat`'s own of Vercel's AI SDK.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from strands.types.exceptions import ModelThrottledException

from infra_cdk import NODE
from infra_cdk.node import install
from local.gateway import Gateway
from session_store.postgresql import PostgreSQLStore
from session_store.settings import StoreSettings
from tests.integration.turns.turning import Turns, explain, scripted
from tests.support.scripted_model import Say
from turns.events import Turn
from turns.projections import ag_ui, ui_message_stream
from turns.projections.ag_ui_client import AgUiClient
from turns.projections.ui_message_stream import UiMessageStream

FOLDER = Path(__file__).parent
Met = dict[str, str | None]


def situations(program: str) -> list[str]:
    lines = (FOLDER / program).read_text().splitlines()
    return [line.split('"')[1] for line in lines if line.startswith('  async "')]


@pytest.fixture(scope="module")
def meet(
    scripted_gateway: Gateway, shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Met]]:
    """Run a program of situations, with the frames of an answer that a throttled model began twice."""
    install(FOLDER)
    folder = tmp_path_factory.mktemp("clients")
    store = PostgreSQLStore(StoreSettings(url=shared_database_url))

    def meet(program: str, project: Callable[[Turn], Iterator[str]], *arguments: str) -> Met:
        build = scripted([Say("half an"), ModelThrottledException("slow down")], "a whole answer")
        restarted, gate = (
            folder / f"restarted {len(arguments)}",
            folder / f"gate {program} {arguments}".replace("/", ""),
        )
        restarted.write_text("".join(project(Turns(store).begin(build))))
        command = [NODE, program, *arguments, scripted_gateway.url, gate, restarted]
        ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr
        met: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
        return {each["name"]: each["error"] for each in met}

    yield meet
    store.close()


@pytest.fixture(scope="module", params=["@ag-ui/client", "@ag-ui/client-0"])
def ag_ui_clients(request: pytest.FixtureRequest, meet: Callable[..., Met]) -> Met:
    client = AgUiClient("run", [{"id": "asked", "role": "user", "content": "hello"}])
    return meet("ag_ui.mjs", lambda turn: ag_ui.frames(turn, explain, dump=client.dump), request.param)


@pytest.fixture(scope="module")
def ai_sdk(meet: Callable[..., Met]) -> Met:
    return meet("chat.mjs", lambda turn: ui_message_stream.frames(turn, explain, UiMessageStream()))


@pytest.mark.parametrize("situation", situations("ag_ui.mjs"))
def test_clients_of_ag_ui(ag_ui_clients: Met, situation: str) -> None:
    if error := ag_ui_clients[situation]:
        pytest.fail(error, pytrace=False)


@pytest.mark.parametrize("situation", situations("chat.mjs"))
def test_use_chat(ai_sdk: Met, situation: str) -> None:
    if error := ai_sdk[situation]:
        pytest.fail(error, pytrace=False)


def test_the_command_of_the_page_streams_an_answer(scripted_gateway: Gateway) -> None:
    page = (FOLDER.parents[1] / "docs/clients.md").read_text()
    (command,) = re.findall(r"```console\n\$ (curl .*?)\nid: 1\n", page, re.DOTALL)
    command = command.replace("http://localhost:8000", scripted_gateway.url)
    ended = subprocess.run(["bash", "-c", f"{command} -sS --fail"], capture_output=True, text=True, check=True)
    events = [json.loads(data) for data in re.findall(r"^data: (.*)$", ended.stdout, re.MULTILINE)]
    assert (events[0]["type"], events[-1]["type"]) == ("RUN_STARTED", "RUN_FINISHED")
    assert events[-1]["result"]["response"] == "You said: Hello, my name is Alice"
