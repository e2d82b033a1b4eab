import re
import subprocess
import sys

import pytest

from infra_cdk import ROOT
from infra_cdk.settings import Settings, SettingsError
from infra_cdk.switches.service import ServiceSwitches
from tests.infra.conftest import PROFILE
from tests.infra.template import read_context

OPENAI = {"model_provider": "openai", "model_id": "gpt-5", "model_key_secret": "openai", "nat": "true"}

OWN_NETWORK = {
    "vpc_id": "vpc-0123abcd",
    "function_subnets": "subnet-0123abcd,subnet-0123abce",
    "database_subnets": "subnet-0123abcf,subnet-0123abc0",
}


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"proxi": "true"}, "Context value 'proxi' is unknown: known are proxy, minimum_capacity, "),
        ({"proxy": "maybe"}, "Context value proxy='maybe' is impossible: "),
        ({"minimum_capacity": "0.7"}, "Context value minimum_capacity='0.7' is impossible: "),
        ({"maximum_capacity": "300"}, "Context value maximum_capacity='300' is impossible: "),
        ({"authorization": "none"}, "Context value authorization='none' is impossible: "),
        ({"session_ttl_days": "-1"}, "Impossible context: session_ttl_days must be a whole number from "),
        ({"max_body_bytes": "5"}, "Impossible context: max_body_bytes must be a whole number from 1024 to "),
        ({"run_timeout_seconds": "soon"}, "Context value run_timeout_seconds='soon' is impossible: "),
        ({"log_level": "LOUD"}, "Impossible context: log_level must be one of "),
        ({"model_provider": "acme"}, "Context value model_provider='acme' is impossible: "),
        ({"function_concurrency": "-1"}, "Context value function_concurrency='-1' is impossible: "),
        ({"alarm_email": "somebody"}, "Context value alarm_email='somebody' is impossible: "),
        ({"model_id": "arn:aws:bedrock:eu-west-1:1:x/y"}, "Context value model_id='arn:aws:bedrock:"),
        ({"minimum_capacity": "0"}, "Impossible context: minimum_capacity=0 needs proxy=false, because "),
        ({"minimum_capacity": "8"}, "Impossible context: minimum_capacity must not be above maximum_capacity."),
        (
            {**OPENAI, "nat": "false"},
            "Impossible context: model_provider=openai is on the internet and needs nat=true.",
        ),
        ({**OPENAI, "model_id": None}, "Impossible context: model_id is missing, and model_provider=openai needs it."),
        ({"model_url": "https://models.example/v1"}, "Impossible context: model_url is for model_provider=openai: "),
        ({**OPENAI, "model_url": "http://models.example/v1"}, "Context value model_url='http:"),
        ({"availability_zones": "eu-central-1a"}, "Context value availability_zones='eu-central-1a' is impossible: "),
        ({"availability_zones": "a,b,a"}, "Impossible context: availability_zones must name each zone once."),
        ({"stage": "moon"}, "Impossible context: stage=moon is not in stages.toml, which has dev, staging, prod."),
        ({"account": "123456789012"}, "Impossible context: account and region are given together or not at all."),
        ({"account": "123456789012", "region": "ap-east-2"}, "Impossible context: region=ap-east-2 has no RDS Proxy: "),
        ({"domain_name": "a.example.com"}, "Impossible context: domain_name and certificate_arn are given together "),
        ({"monthly_budget": "50"}, "Impossible context: monthly_budget needs alarm_email, "),
        ({"firewall_rate": "50"}, "Impossible context: firewall_rate needs firewall=true."),
        ({"cidr": "10.0.0.0/24"}, "Context value cidr='10.0.0.0/24' is impossible: it must be a private block from "),
        ({"cidr": "8.8.0.0/16"}, "Context value cidr='8.8.0.0/16' is impossible: it must be a private block from "),
        ({"vpc_id": "vpc-0123abcd"}, "Impossible context: vpc_id needs function_subnets and database_subnets, "),
        ({"function_subnets": "subnet-0123abcd,subnet-0123abce"}, "Impossible context: function_subnets and "),
        ({**OWN_NETWORK, "cidr": "10.1.0.0/16"}, "Impossible context: availability_zones and cidr are for a network "),
        (
            {**OWN_NETWORK, "database_subnets": "subnet-0123abcd"},
            "Context value database_subnets='subnet-0123abcd' is ",
        ),
        ({"model_id": PROFILE}, "Impossible context: profile_source goes with model_id=arn:"),
        ({"profile_source": "amazon.nova-lite-v1:0"}, "Impossible context: profile_source goes with model_id=arn:"),
        ({"key_requests_per_day": "5"}, "Impossible context: key_requests_per_day needs api_keys: "),
        ({"api_keys": "a b"}, "Context value api_keys='a b' is impossible: "),
        (
            {"account": "123456789012", "region": "ap-southeast-6", "proxy": "false", "snap_start": "true"},
            "Impossible context: region=ap-southeast-6 has no SnapStart: ",
        ),
        ({"architecture": "riscv"}, "Context value architecture='riscv' is impossible: "),
        ({"model_key_secret": "key"}, "Impossible context: model_key_secret is for other providers: "),
    ],
)
def test_impossible_context_is_refused_with_one_sentence_that_names_it(
    context: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_context(context)
    assert str(refusal.value).startswith(sentence)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_every_switch_is_in_the_documentation() -> None:
    page = (ROOT / "docs/deploy.md").read_text()
    switches = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert [name for name in Settings.model_fields if f"`{name}`" not in switches] == []


SET_BY_THE_STACK = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "UPLOAD_BUCKET"}


def test_every_variable_of_the_documentation_is_set_by_a_switch() -> None:
    rows = [line.split("|")[1] for line in (ROOT / "docs/api.md").read_text().splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall("`([A-Z][A-Z_]+)`", row)}
    assert "RUN_TTL_HOURS" in documented
    numbers = dict.fromkeys(ServiceSwitches.model_fields, "20") | {
        "max_body_bytes": "2048",
        "search": "all",
        "search_language": "english",
    }
    words = {"database_schema": "agents", "log_error_words": "true", "log_level": "DEBUG", "tracing": "true"}
    words |= {"show_system_prompt": "true", "model_prices": '{"a-model": [3, 15]}'}
    words |= {"caller_by": "session", "cors_origins": "https://app.example.com", "resumable_streams": "false"}
    assert documented - SET_BY_THE_STACK <= set(ServiceSwitches.model_validate(numbers | words).variables)


def test_a_switch_reaches_the_functions_under_its_variables_name() -> None:
    variables = Settings.from_context({"run_ttl_hours": "48", "log_level": "DEBUG", "tracing": "true"}).variables
    assert variables == {"RUN_TTL_HOURS": "48", "POWERTOOLS_LOG_LEVEL": "DEBUG", "POWERTOOLS_TRACE_DISABLED": "false"}


def test_a_model_of_ones_own_deploys_without_nat() -> None:
    assert (
        Settings.from_context({"model_provider": "agent.models:build_mine"}).model_provider == "agent.models:build_mine"
    )


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_stages_are_valid_and_a_switch_of_the_command_line_goes_before_theirs(stage: str) -> None:
    settings = Settings.from_context({"stage": stage, "requests_per_second": "7"})
    assert settings.tags == {"stage": stage}
    assert settings.requests_per_second == 7
    assert Settings.from_context({"stage": stage, "stack_name": "Mine"}).stack_name == "Mine"


def test_context_of_the_cdk_itself_is_passed_over() -> None:
    assert Settings.from_context(read_context()) == Settings()


@pytest.mark.parametrize(
    ("context", "minimum_acu", "pauses", "reserved_concurrency"),
    [
        ({}, 0.5, False, None),
        ({"proxy": "false"}, 0, True, 20),
        ({"proxy": "false", "minimum_capacity": "1", "function_concurrency": "5"}, 1, False, 5),
        ({"proxy": "false", "function_concurrency": "0"}, 0, True, None),
    ],
)
def test_capacity_and_concurrency_follow_from_the_proxy(
    context: dict[str, object], minimum_acu: float, pauses: bool, reserved_concurrency: int | None
) -> None:
    settings = Settings.from_context(context)
    assert (settings.minimum_acu, settings.pauses) == (minimum_acu, pauses)
    assert settings.reserved_concurrency == reserved_concurrency


def test_synth_ends_with_the_sentence_alone() -> None:
    environment = {"CDK_CONTEXT_JSON": '{"minimum_capacity": "0"}'}
    ended = subprocess.run(
        [sys.executable, "-m", "infra_cdk.app"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "Impossible context: minimum_capacity=0 needs proxy=false, because an attached RDS Proxy keeps Aurora awake."
    ]
