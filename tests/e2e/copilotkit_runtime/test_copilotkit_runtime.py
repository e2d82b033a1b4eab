"""CopilotKit's runtime in front of `POST /ag-ui`: what holds a page's secrets where a page itself may not call."""

import os
import subprocess
from pathlib import Path

import pytest

from infra_cdk import NODE
from infra_cdk.node import install
from local.gateway import Gateway

FOLDER = Path(__file__).parent


@pytest.mark.examples
@pytest.mark.timeout(600)  # it brings 350 packages
def test_a_page_talks_through_copilotkits_runtime(scripted_gateway: Gateway) -> None:
    install(FOLDER)
    environment = {**os.environ, "COPILOTKIT_TELEMETRY_DISABLED": "true"}
    ended = subprocess.run(
        [NODE, "talk.mjs", scripted_gateway.url],
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
