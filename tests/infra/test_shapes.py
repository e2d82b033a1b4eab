"""Templates for every pair of switches: schemas in three regions, and what an update between two of them would replace.

The suite takes a sample; `make shapes` takes all.
"""

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from allpairspy import AllPairs
from cfnlint.api import ManualArgs, lint

from tests.infra.conftest import PROFILE, Synthesize
from tests.infra.template import Template, flat
from tests.infra.test_updates import KEPT
from tests.infra.updates import lost

Switches = dict[str, str]
REGIONS = ["us-east-1", "eu-central-1", "ap-northeast-1"]
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
OWN_NETWORK = {
    "vpc_id": "vpc-0123abcd",
    "function_subnets": "subnet-0123abcd,subnet-0123abce",
    "database_subnets": "subnet-0123abcf,subnet-0123abc0",
}
# What is on the internet brings its way there: so every pair of values is possible.
OPENAI = {"model_provider": "openai", "model_id": "gpt-5", "model_key_secret": "prod/openai", "nat": "true"}
OTLP = {"otlp_endpoint": "https://traces.example.com", "otlp_headers_secret": "otlp", "nat": "true"}
JWT = {"authorization": "jwt", "jwt_issuer": "https://issuer.example.com/", "jwt_audience": "agents"}
OWN_POOL = {"authorization": "cognito", "user_pool_id": "eu-central-1_AbCdEf123"}
FIXED = {*OWN_NETWORK, "snapshot"}  # with the first deployment
AXES: list[list[Switches]] = [
    [{}, {"proxy": "false"}],
    [{}, {"nat": "true"}],
    [{}, {"authorization": "cognito"}, JWT, OWN_POOL],
    [{}, {"cors_origins": "https://app.example.com,http://localhost:5173"}],
    [{}, OWN_NETWORK],
    [
        {},
        {"model_id": "amazon.nova-lite-v1:0"},
        {"model_id": PROFILE, "profile_source": "amazon.nova-lite-v1:0"},
        OPENAI,
    ],
    [{}, {"canary": "true"}, {"snap_start": "true"}],
    [{}, {"api_keys": "web,batch", "key_requests_per_day": "1000"}],
    [{}, {"firewall": "true"}],
    [{}, {"alarm_email": "oncall@example.com", "monthly_budget": "50"}],
    [{}, {"ephemeral": "true"}, {"snapshot": "before-the-accident"}],
    [{}, OTLP],
    [{}, {"tracing": "true"}],
    [{}, {"session_ttl_days": "30", "requests_per_second": "7"}],
    [{}, {"domain_name": "sessions.example.com", "certificate_arn": CERTIFICATE, "cloud_watch_role": "true"}],
]


def _joined(row: list[Switches]) -> Switches:
    return {name: value for part in row for name, value in part.items()}


SHAPES = [_joined(row) for row in AllPairs(AXES)]
TAKEN = SHAPES if os.environ.get("SHAPES") == "all" else SHAPES[::7]


def _name(switches: Switches) -> str:
    return "-".join(switches) or "standard"


@pytest.mark.parametrize("switches", TAKEN, ids=_name)
def test_a_shape_keeps_to_the_schemas_and_lets_nobody_in(templates: Synthesize, switches: Switches) -> None:
    template = templates(**switches)
    found = lint(template.path.read_text(), config=ManualArgs(regions=REGIONS, ignore_checks=["W3005"]))
    assert [str(match) for match in found] == []
    assert "resolve:secretsmanager" not in flat(template.body)
    for group in template.all("AWS::EC2::SecurityGroup").values():
        assert not group.get("SecurityGroupIngress")
    assert all(group.get("RetentionInDays") for group in template.all("AWS::Logs::LogGroup").values())
    assert template.only("AWS::RDS::DBCluster").get("KmsKeyId") or "snapshot" in switches
    for statement in _statements(template):
        assert not any(action in ("*", "iam:*") for action in statement["Action"])


@pytest.mark.parametrize(("before", "after"), list(pairwise(TAKEN)), ids=_name)
def test_an_update_replaces_only_what_its_switches_add(
    templates: Synthesize, before: Switches, after: Switches
) -> None:
    aligned = {name: value for name, value in after.items() if name not in FIXED}
    aligned |= {name: value for name, value in before.items() if name in FIXED}
    gone = {kind for kind in lost(templates(**before), templates(**aligned)).values() if kind in KEPT}
    allowed = {
        "AWS::RDS::DBProxy": ("proxy" in before) != ("proxy" in aligned),
        "AWS::Cognito::UserPool": _makes_a_pool(before) != _makes_a_pool(aligned),
    }
    assert gone <= {kind for kind, differs in allowed.items() if differs}


def _makes_a_pool(switches: Switches) -> bool:
    return switches.get("authorization") == "cognito" and "user_pool_id" not in switches


def _statements(template: Template) -> Iterator[dict[str, Any]]:
    for role in template.all("AWS::IAM::Role"):
        yield from template.statements(role)
