"""X-Ray segments, when tracing is on, reach the daemon that Lambda names, and say nothing of what was said."""

import json
import os
import socket
import subprocess
import sys

from tests.support.http_api import ROOT

CALL = """
import json, os
os.environ["_X_AMZN_TRACE_ID"] = "Root=1-67000000-000000000000000000000000;Parent=0000000000000000;Sampled=1"
from tests.support.http_api import Context, RECORDED, load_handler
event = {**RECORDED, "resource": "/health"}
print(load_handler("sessions")(event, Context())["statusCode"], "aws_xray_sdk" in __import__("sys").modules)
"""


def call(**environment: str) -> str:
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers/app/python")])
    lambda_environment = {
        "PATH": os.defpath,
        "PYTHONPATH": path,
        "SESSION_BACKEND_URL": "postgresql://app@localhost/sessions",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_LAMBDA_FUNCTION_NAME": "sessions",
        **environment,
    }
    result = subprocess.run(
        [sys.executable, "-c", CALL], env=lambda_environment, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()[-1]


def test_tracing_is_off_and_its_sdk_not_even_imported() -> None:
    assert call() == "200 False"


def test_a_segment_is_sent_where_tracing_is_on() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(20)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        assert call(POWERTOOLS_TRACE_DISABLED="false", AWS_XRAY_DAEMON_ADDRESS=address) == "200 True"
        segment = json.loads(daemon.recv(65_536).partition(b"\n")[2])
    assert segment["trace_id"] == "1-67000000-000000000000000000000000"
    assert "metadata" not in segment or "response" not in json.dumps(segment["metadata"])
