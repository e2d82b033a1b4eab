"""What `make doctor` says of recorded accounts: one line a check, each failure with its remedy."""

import pytest

from infra_cdk.doctor.account import Finding
from infra_cdk.doctor.examine import examine
from infra_cdk.settings import Settings
from tests.infra.recorded_account import RecordedAccount
from tests.infra.template import Template

DEFAULT, DIRECT = Settings(), Settings(proxy=False)
SUBJECTS = ["credentials", "bootstrap", "stack", "gateway logs", "concurrency", "model", "engine"]
SUBJECTS += ["snapshot", "network", "zones", "certificates"]


def findings(name: str, settings: Settings = DEFAULT, region: str = "us-east-1") -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine(RecordedAccount(name, region), settings)}


def test_an_account_that_is_ready_passes_every_check() -> None:
    found = findings("ready")
    assert list(found) == SUBJECTS
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "arn:aws:iam::123456789012:user/deployer in us-east-1" in str(found["credentials"])


def test_a_new_account_is_led_through_what_it_lacks() -> None:
    found = findings("new", DIRECT)
    assert {subject for subject, finding in found.items() if finding.state == "failed"} == {
        "bootstrap",
        "gateway logs",
        "concurrency",
        "model",
    }
    assert found["bootstrap"].remedy == "make bootstrap"
    assert found["concurrency"].remedy.startswith("-c function_concurrency=0, or ask Service Quotas for 240")
    assert "use case form" in found["model"].remedy


@pytest.mark.parametrize("settings", [Settings(), Settings(proxy=False, function_concurrency=0)])
def test_a_small_limit_is_enough_where_nothing_is_reserved(settings: Settings) -> None:
    concurrency = findings("new", settings)["concurrency"]
    assert concurrency.state == "ok"
    assert "10 calls at a time" in concurrency.answer


def test_a_model_that_marketplace_refuses_is_explained() -> None:
    model = findings("no_model_access")["model"]
    assert model.state == "failed"
    assert "aws-marketplace:Subscribe" in model.remedy
    assert "payment method" in model.remedy


def test_a_zone_without_a_proxy_is_found_by_its_id() -> None:
    zones = findings("proxy_zone_first")["zones"]
    assert (zones.state, zones.remedy) == ("failed", "-c availability_zones=us-east-1b,us-east-1c")
    assert "us-east-1a (use1-az3)" in zones.answer
    assert findings("proxy_zone_first", DIRECT)["zones"].state == "ok"


def test_a_zone_without_the_endpoint_matters_only_where_there_is_one() -> None:
    chosen = {"availability_zones": "us-east-1a,us-east-1e", "proxy": False}
    assert findings("ready", Settings(**chosen))["zones"].state == "failed"
    assert "us-east-1e (use1-az3)" in findings("ready", Settings(**chosen))["zones"].answer


def test_credentials_of_another_account_than_the_stages_go_no_further() -> None:
    (finding,) = examine(RecordedAccount(), Settings(account="999999999999", region="us-east-1"))
    assert (finding.state, finding.remedy) == ("failed", "sign in to that account")


def test_the_gateways_role_for_logs_is_made_only_where_asked_for() -> None:
    assert findings("new")["gateway logs"].remedy.startswith("-c cloud_watch_role=true")
    assert findings("new", Settings(cloud_watch_role=True))["gateway logs"].state == "ok"


def test_a_region_without_the_engine_is_refused() -> None:
    assert findings("old_region")["engine"].state == "failed"


def test_what_the_stack_reserves_already_is_not_counted_twice() -> None:
    assert findings("deployed", DIRECT)["concurrency"].state == "ok"
    assert findings("deployed", Settings(proxy=False, function_concurrency=21))["concurrency"].state == "failed"


def test_switches_that_would_replace_the_database_are_named() -> None:
    assert findings("deployed")["stack"].state == "ok"
    moved = findings("deployed", Settings(cidr="10.1.0.0/16"))["stack"]
    assert moved.state == "failed"
    assert moved.answer.startswith("cidr (was 10.0.0.0/16) cannot change")


def test_a_failed_first_deployment_is_cleared_first() -> None:
    found = findings("failed", DIRECT)
    assert found["stack"].remedy.startswith("make destroy")
    assert found["concurrency"].state == "ok"


def test_what_the_credentials_may_not_see_stops_nothing() -> None:
    zones = findings("blind")["zones"]
    assert zones.state == "unknown"
    assert "DescribeAvailabilityZones" in zones.answer


def test_without_a_region_nothing_else_is_asked() -> None:
    (finding,) = examine(RecordedAccount(region=None), Settings())
    assert (finding.state, finding.subject) == ("failed", "region")
    assert "AWS_REGION" in finding.remedy


def test_the_template_carries_the_switches_that_the_next_deployment_compares(standard: Template) -> None:
    assert standard.body["Metadata"]["Switches"]["cidr"] == "10.0.0.0/16"


SNAPSHOT = Settings(snapshot="before-the-accident")
OWN_NETWORK = Settings(
    vpc_id="vpc-0123abcd",
    function_subnets="subnet-0123abcd,subnet-0123abce",
    database_subnets="subnet-0123abcf,subnet-0123abc0",
)


def test_a_snapshot_is_there_and_not_of_a_newer_engine() -> None:
    assert findings("ready", SNAPSHOT)["snapshot"].answer == "before-the-accident is of aurora-postgresql 17.5"
    missing = findings("no_snapshot", SNAPSHOT)["snapshot"]
    assert (missing.state, missing.answer) == ("failed", "no snapshot before-the-accident in us-east-1")
    assert findings("newer_snapshot", SNAPSHOT)["snapshot"].state == "failed"


def test_an_existing_network_must_resolve_names() -> None:
    assert findings("ready", OWN_NETWORK)["network"].state == "ok"
    network = findings("no_dns", OWN_NETWORK)["network"]
    assert network.answer == "vpc-0123abcd has enableDnsHostnames switched off"
    assert network.remedy == "aws ec2 modify-vpc-attribute --vpc-id vpc-0123abcd --enable-dns-hostnames"
