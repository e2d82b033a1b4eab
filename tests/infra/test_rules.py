"""What AWS's own rule packs say (cdk-nag); CloudFormation's schemas are held to in `test_shapes.py`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra_cdk.app import build_app
from tests.infra.conftest import PROFILE
from tests.infra.template import read_context

SOURCE = "global.anthropic.claude-sonnet-4-6"
SHAPES = [
    {},
    {"proxy": "false", "ephemeral": "true", "alarm_email": "oncall@example.com"},
    {
        "authorization": "cognito",
        "model_provider": "openai",
        "model_id": "gpt-5",
        "model_key_secret": "openai",
        "nat": "true",
    },
    {
        "account": "222222222222",
        "region": "eu-west-1",
        "cloud_watch_role": "true",
        "firewall": "true",
        "alarm_email": "oncall@example.com",
        "monthly_budget": "50",
        "domain_name": "sessions.example.com",
        "certificate_arn": "arn:aws:acm:eu-west-1:222222222222:certificate/1",
        "snapshot": "before-the-accident",
    },
    {"canary": "true", "snap_start": "true", "api_keys": "web", "model_id": PROFILE, "profile_source": SOURCE},
]


@pytest.mark.parametrize("switches", SHAPES, ids=["standard", "trial", "other_provider", "edge", "released"])
def test_nag_finds_nothing_that_is_not_reasoned_away(tmp_path: Path, switches: dict[str, str]) -> None:
    app = build_app({**read_context(), **switches}, outdir=str(tmp_path))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    try:
        app.synth()
    except RuntimeError:
        pytest.fail("\n".join(_findings(tmp_path / "validation-report.json")))
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert {plugin["pluginName"] for plugin in report["pluginReports"]} >= {"AwsSolutions", "Serverless"}
    assert list(_findings(tmp_path / "validation-report.json")) == []


def test_acknowledgements_name_one_finding_each_where_it_arises_and_why(tmp_path: Path) -> None:
    app = build_app(read_context(), outdir=str(tmp_path))
    ours = [entry for entry in _acknowledgements(app) if entry.rule.startswith(("AwsSolutions", "Serverless"))]
    assert ours
    for place, rule, reason in ours:
        assert "/" in place, f"{rule} is acknowledged for the whole stack"
        # IAM4 and IAM5 have many findings each; without the brackets all of them are meant, those to come too.
        assert re.fullmatch(r"(\w+)::\1-(?!IAM[45]$)\w+(\[(Policy|Resource)::.+\])?", rule), rule
        assert len(reason.split()) > 3


class Acknowledged(NamedTuple):
    place: str
    rule: str
    reason: str


def _acknowledgements(app: App) -> Iterator[Acknowledged]:
    for construct in app.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == "aws:cdk:acknowledged-rules":
                yield from (Acknowledged(construct.node.path, *pair) for pair in entry.data.items())


def _findings(report: Path) -> Iterator[str]:
    for plugin in json.loads(report.read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                yield f"{violation['ruleName']} at {construct['constructPath']}"
