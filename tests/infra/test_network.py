"""The network that the stack makes, and one that it is given."""

import pytest

from tests.infra.conftest import Synthesize
from tests.infra.template import Template, attribute_of, flat

VPC, PAIR, OTHER_PAIR = "vpc-0123abcd", "subnet-0123abcd,subnet-0123abce", "subnet-0123abcf,subnet-0123abc0"


@pytest.fixture(scope="session")
def own_network(templates: Synthesize) -> Template:
    return templates(vpc_id=VPC, function_subnets=PAIR, database_subnets=OTHER_PAIR)


def test_cidr_is_that_of_the_switch(templates: Synthesize) -> None:
    moved = templates(cidr="10.1.0.0/16")
    assert moved.only("AWS::EC2::VPC")["CidrBlock"] == "10.1.0.0/16"
    assert sorted(s["CidrBlock"] for s in moved.all("AWS::EC2::Subnet").values()) == ["10.1.0.0/24", "10.1.1.0/24"]


def test_an_existing_network_is_used_and_nothing_is_added_to_its_routes(own_network: Template) -> None:
    for kind in ("VPC", "Subnet", "Route", "RouteTable", "NatGateway", "InternetGateway", "FlowLog"):
        assert not own_network.all(f"AWS::EC2::{kind}")
    assert own_network.only("AWS::RDS::DBSubnetGroup")["SubnetIds"] == OTHER_PAIR.split(",")
    assert own_network.only("AWS::RDS::DBProxy")["VpcSubnetIds"] == OTHER_PAIR.split(",")
    for name in own_network.function_ids():
        assert own_network.function(name)["VpcConfig"]["SubnetIds"] == PAIR.split(",")
    assert own_network.only("AWS::EC2::VPCEndpoint")["SubnetIds"] == PAIR.split(",")
    groups = own_network.all("AWS::EC2::SecurityGroup").values()
    assert {group["VpcId"] for group in groups} == {VPC}


def test_an_existing_network_with_a_way_out_gets_no_endpoint(templates: Synthesize) -> None:
    template = templates(vpc_id=VPC, function_subnets=PAIR, database_subnets=OTHER_PAIR, nat="true")
    assert template.all("AWS::S3::Bucket")
    assert not template.all("AWS::EC2::VPCEndpoint")
    assert "NatGateway" not in flat(template.body)


def test_a_closed_network_leads_every_functions_own_segments_to_xray(templates: Synthesize) -> None:
    template = templates(tracing="true")
    (endpoint,) = (p for p in template.all("AWS::EC2::VPCEndpoint").values() if "xray" in flat(p["ServiceName"]))
    (group,) = endpoint["SecurityGroupIds"]
    sources = {source for source, _, _ in template.sources_of(attribute_of(group))}
    assert sources == {group for name in template.function_ids() for group in template.group_ids(name)}
