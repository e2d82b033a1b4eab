"""What a user's tools ask for in permissions.toml is granted to the functions with an agent, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from infra_cdk.agent_access import AgentAccess
from infra_cdk.agent_permissions import AgentPermissions, read_agent_permissions
from infra_cdk.network import Network
from infra_cdk.settings import Settings, SettingsError
from infra_cdk.switches.model import PROVIDER_KEY_VARIABLES
from local.sam.model import hosted_model, local_model

ASKED = """
endpoints = ["secretsmanager", "dynamodb"]
[variables]
ORDERS_TABLE = "orders"
[secrets]
WEATHER_SECRET = "prod/weather"
[[statements]]
actions = ["dynamodb:GetItem"]
resources = ["arn:aws:dynamodb:eu-central-1:123456789012:table/orders"]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "permissions.toml").write_text(text)
    return folder / "permissions.toml"


def make(permissions: AgentPermissions, settings: Settings | None = None) -> tuple[AgentAccess, dict[str, Any]]:
    stack = Stack(App(context={"@aws-cdk/core:validateAgainstDefaultRules": False}))
    settings = settings or Settings()
    network = Network(stack, "Network", switches=settings)
    access = AgentAccess(stack, "Access", network=network, settings=settings, permissions=permissions)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    access.grant(role, network.make_security_group("Group", "A function with an agent"))
    return access, Template.from_stack(stack).to_json()["Resources"]


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def test_statements_variables_and_secrets_reach_the_functions(tmp_path: Path) -> None:
    access, resources = make(read_agent_permissions(write(tmp_path, ASKED)))
    assert access.environment.items() >= {"ORDERS_TABLE": "orders", "WEATHER_SECRET": "prod/weather"}.items()
    statements = [s for policy in of_type(resources, "AWS::IAM::Policy") for s in policy["PolicyDocument"]["Statement"]]
    assert "dynamodb:GetItem" in {s["Action"] for s in statements if isinstance(s["Action"], str)}
    (secret,) = [s for s in statements if s["Action"] == "secretsmanager:GetSecretValue"]
    assert ":secret:prod/weather-??????" in str(secret["Resource"])


def test_endpoints_allow_what_the_statements_name(tmp_path: Path) -> None:
    _, resources = make(read_agent_permissions(write(tmp_path, ASKED)))
    endpoints = {str(e["ServiceName"]): e for e in of_type(resources, "AWS::EC2::VPCEndpoint")}
    kinds = {name.rpartition("'.")[2].split("'")[0]: e["VpcEndpointType"] for name, e in endpoints.items()}
    assert kinds == {"bedrock-runtime": "Interface", "secretsmanager": "Interface", "dynamodb": "Gateway"}
    (gateway,) = [e for e in endpoints.values() if e["VpcEndpointType"] == "Gateway"]
    (allowed,) = gateway["PolicyDocument"]["Statement"]
    assert (allowed["Action"], allowed["Resource"].rpartition("/")[2]) == ("dynamodb:GetItem", "orders")


def test_with_nat_no_endpoint_is_paid_for(tmp_path: Path) -> None:
    _, resources = make(read_agent_permissions(write(tmp_path, ASKED)), Settings(nat=True))
    assert not of_type(resources, "AWS::EC2::VPCEndpoint")


def test_the_file_that_is_shipped_asks_for_nothing() -> None:
    assert read_agent_permissions() == AgentPermissions()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[variable]\nA = '1'", "permissions.toml: variable: extra inputs are not permitted."),
        (
            "[[statements]]\nactions = []\nresources = ['*']",
            "permissions.toml: statements.0.actions: list should have ",
        ),
        ("[secrets]\nweather = 'x'", "permissions.toml: secrets.weather."),
        ("endpoints = [", "permissions.toml: "),
    ],
)
def test_a_fault_in_the_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_agent_permissions(write(tmp_path, text))
    assert str(refusal.value).startswith(sentence)
    assert "\n" not in str(refusal.value)


def test_an_endpoint_that_nothing_uses_is_refused() -> None:
    with pytest.raises(SettingsError, match="names the endpoint 'sqs', but no statement uses sqs:"):
        make(AgentPermissions(endpoints=["sqs"]))


@pytest.mark.parametrize("provider", PROVIDER_KEY_VARIABLES)
def test_sam_cli_can_hand_over_every_variable_of_a_model(provider: str) -> None:
    local = local_model("http://127.0.0.1:1/v1", None, desktop=False)
    for model in (hosted_model(provider, "m"), *([local] if provider == "openai" else [])):
        access, _ = make(AgentPermissions(), Settings.from_context(model.switches))
        assert access.environment.keys() >= {*model.variables, PROVIDER_KEY_VARIABLES[provider]}
        # A secret would be asked for in the account of whoever's credentials are at hand.
        assert {**access.environment, **model.variables}["MODEL_KEY_SECRET"] == ""
