"""The demo as a user runs it, with the real small model; and that it fails where its claims don't hold."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from local.demo_report import DemoReport
from local.gateway import Gateway
from local.session_demo import Demo, DemoClient, DemoError

REMEMBERS = {
    "What is my name?": "echo-history",
    "What is 17 times 23?": 'tool: calculator {"expression": "17 * 23"}\nthen\nsay: It is 391.',
}


Hold = Callable[[dict[str, str]], tuple[DemoReport, str]]


@pytest.fixture(scope="module")
def hold(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hold]:
    """Holds the demo with an API that runs elsewhere, as far as it knows, and whose model answers as told."""
    script = tmp_path_factory.mktemp("demo") / "script.json"
    environment = {
        "SESSION_BACKEND_URL": shared_database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "SCRIPTED_MODEL_SCRIPT": str(script),
    }
    with Gateway(environment, port=0, backend_port=0) as gateway, DemoClient(gateway.url) as client:

        def hold_demo(scripts: dict[str, str]) -> tuple[DemoReport, str]:
            script.write_text(json.dumps(scripts))
            out = io.StringIO()
            report = DemoReport(out)
            Demo(client, report, None).run()
            return report, out.getvalue()

        yield hold_demo


@pytest.mark.weights
def test_the_demo_passes_with_the_real_model(database_url: str) -> None:
    environment = {**os.environ, "SESSION_BACKEND_URL": database_url}
    command = [sys.executable, "-m", "local.session_demo"]
    demo = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.rstrip().endswith("16 checks passed, 0 failed")
    assert "✗" not in demo.stdout
    assert "not shown here" not in demo.stdout
    assert "toy" in demo.stdout
    assert "\033" not in demo.stdout


def test_elsewhere_what_needs_this_machine_is_not_shown_and_not_passed(hold: Hold) -> None:
    report, output = hold(REMEMBERS)
    assert report.failed == []
    assert report.passed == 12
    assert output.count("– not shown here:") == 2


@pytest.mark.parametrize(
    ("scripts", "claim"),
    [
        ({"What is my name?": "say: I do not know."}, "asked again, the agent knows the name"),
        ({"What is my name?": "say: Alice or Bob."}, "Alice is Alice, and not Bob"),
        ({"Hello, my name is Bob": "say: Hello, Bob, I know Alice."}, "nothing of Alice is in Bob's history"),
        ({"What is 17 times 23?": "say: It is 391."}, "the agent used its calculator"),
        (
            {"What is 17 times 23?": 'tool: calculator {"expression": "1"}'},
            "17 times 23 is 391, by the tool and in words",
        ),
    ],
)
def test_a_claim_that_does_not_hold_fails(hold: Hold, scripts: dict[str, str], claim: str) -> None:
    report, output = hold(REMEMBERS | scripts)
    assert claim in report.failed
    assert f"✗ failed: {claim}" in output


def test_a_deployment_that_fails_ends_the_demo_with_its_words(hold: Hold) -> None:
    with pytest.raises(DemoError, match=r"POST /process answered 502.*model_failed"):
        hold({"Hello, my name is Alice": "fail"})


def test_no_deployment_is_an_error() -> None:
    command = [sys.executable, "-m", "local.session_demo", "--url", "http://127.0.0.1:9"]
    demo = subprocess.run(command, capture_output=True, text=True, check=False)
    assert demo.returncode == 1
    assert "✗ failed: the demo could run to its end" in demo.stdout
