"""`POST /ag-ui` by AG-UI's own clients: the current one, and the one that CopilotKit's runtime brings."""

import json
import subprocess
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
from turns.frontend_input import Frontend
from turns.projections.ag_ui import frames
from turns.projections.ag_ui_client import AgUiClient

FOLDER = Path(__file__).parent
CLIENTS = ("@ag-ui/client", "@ag-ui/client-0")
SITUATIONS = [
    line.split('"')[1] for line in (FOLDER / "ag_ui.mjs").read_text().splitlines() if line.startswith('  async "')
]


@pytest.fixture(scope="module")
def restarted(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames of an answer that a throttled model began twice."""
    store = PostgreSQLStore(StoreSettings(url=shared_database_url))
    client = AgUiClient("run", [{"id": "asked", "role": "user", "content": "hello"}])
    build = scripted([Say("half an"), ModelThrottledException("slow down")], "a whole answer")
    turn = Turns(store).begin(build, frontend=Frontend(message_id="asked"))
    path = tmp_path_factory.mktemp("restarted") / "frames"
    path.write_text("".join(frames(turn, explain, dump=client.dump)))
    store.close()
    return path


@pytest.fixture(scope="module", params=CLIENTS)
def met(
    request: pytest.FixtureRequest, scripted_gateway: Gateway, restarted: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    install(FOLDER)
    gate = tmp_path_factory.mktemp("gate") / "gate"
    command = [NODE, "ag_ui.mjs", request.param, scripted_gateway.url, gate, restarted]
    ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)
    met = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert ended.returncode == 0, ended.stderr
    return {each["name"]: each for each in met}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_clients_of_ag_ui(met: dict[str, Any], situation: str) -> None:
    if error := met[situation]["error"]:
        pytest.fail(error, pytrace=False)
