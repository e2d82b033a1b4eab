"""Updates that the documentation offers: none replaces what holds data, or what others know by its address."""

import pytest

from tests.infra.conftest import Synthesize
from tests.infra.updates import lost

KEPT = {
    "AWS::ApiGateway::RestApi",
    "AWS::Cognito::UserPool",
    "AWS::EC2::VPC",
    "AWS::KMS::Key",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBProxy",
    "AWS::RDS::DBSubnetGroup",
}
OPENAI = {"model_provider": "openai", "model_id": "gpt-5", "model_key_secret": "prod/openai", "nat": "true"}
COGNITO = {
    "authorization": "cognito",
    "session_ttl_days": "30",
    "requests_per_second": "7",
    "alarm_email": "oncall@example.com",
}
TRIAL = {"proxy": "false", "ephemeral": "true", "model_id": "amazon.nova-lite-v1:0"}


@pytest.mark.parametrize(
    ("one", "other"),
    [({}, OPENAI), ({"proxy": "false"}, TRIAL)],
    ids=["nat and provider", "ephemeral"],
)
def test_an_update_and_the_way_back_replace_nothing_that_lasts(
    templates: Synthesize, one: dict[str, str], other: dict[str, str]
) -> None:
    before, after = templates(**one), templates(**other)
    for way in (lost(before, after), lost(after, before)):
        assert {name for name, kind in way.items() if kind in KEPT} == set()


@pytest.mark.parametrize("other", [{"proxy": "false"}, COGNITO], ids=["proxy", "authorization"])
def test_what_a_switch_adds_is_all_that_it_takes_away(templates: Synthesize, other: dict[str, str]) -> None:
    ways = lost(templates(), templates(**other)), lost(templates(**other), templates())
    taken = {kind for way in ways for kind in way.values() if kind in KEPT}
    assert taken == ({"AWS::RDS::DBProxy"} if "proxy" in other else {"AWS::Cognito::UserPool"})


def test_the_comparison_sees_a_replacement_and_what_follows_from_it(templates: Synthesize) -> None:
    moved = lost(templates(), templates(cidr="10.1.0.0/16"))
    assert {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup", "AWS::RDS::DBProxy"} <= set(moved.values())
