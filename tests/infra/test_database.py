"""Who can reach the database, as whom, and what protects it."""

from collections.abc import Iterable

import pytest

from infra_cdk.function_table import read_function_table
from tests.infra.conftest import Synthesize
from tests.infra.template import Template, attribute_of, flat

PORT = 5432
APP_FUNCTIONS = {name for name, row in read_function_table().functions.items() if row.database == "app"}


def ref(value: dict[str, str]) -> str:
    return value["Ref"]


def groups_of(template: Template, functions: set[str]) -> list[str]:
    return [group for name in functions for group in template.group_ids(name)]


def on_port(groups: Iterable[str]) -> list[tuple[str, int, int]]:
    return sorted((group, PORT, PORT) for group in groups)


def cluster_group(template: Template) -> str:
    (group,) = template.only("AWS::RDS::DBCluster")["VpcSecurityGroupIds"]
    return attribute_of(group)


def proxy_group(template: Template) -> str:
    (group,) = template.only("AWS::RDS::DBProxy")["VpcSecurityGroupIds"]
    return attribute_of(group)


def test_only_the_proxy_and_the_migrator_reach_the_cluster(standard: Template) -> None:
    allowed = on_port([proxy_group(standard), *groups_of(standard, {"migrate"})])
    assert standard.sources_of(cluster_group(standard)) == allowed


def test_only_the_data_functions_reach_the_proxy(standard: Template) -> None:
    assert standard.sources_of(proxy_group(standard)) == on_port(groups_of(standard, APP_FUNCTIONS))


def test_without_a_proxy_the_functions_alone_reach_the_cluster(direct: Template) -> None:
    assert not direct.all("AWS::RDS::DBProxy")
    assert direct.sources_of(cluster_group(direct)) == on_port(groups_of(direct, APP_FUNCTIONS | {"migrate"}))


def test_no_address_is_let_in_anywhere(standard: Template, direct: Template, other_provider: Template) -> None:
    for template in (standard, direct, other_provider):
        for rule in template.all("AWS::EC2::SecurityGroupIngress").values():
            assert "SourceSecurityGroupId" in rule
        for group in template.all("AWS::EC2::SecurityGroup").values():
            assert "SecurityGroupIngress" not in group


def test_cluster_and_proxy_are_in_subnets_without_a_way_out(other_provider: Template) -> None:
    template = other_provider
    tables = {
        ref(association["SubnetId"]): ref(association["RouteTableId"])
        for association in template.all("AWS::EC2::SubnetRouteTableAssociation").values()
    }
    routed = {ref(route["RouteTableId"]) for route in template.all("AWS::EC2::Route").values()}
    subnets = template.only("AWS::RDS::DBSubnetGroup")["SubnetIds"]
    subnets += template.only("AWS::RDS::DBProxy")["VpcSubnetIds"]
    assert routed
    assert not {tables[ref(subnet)] for subnet in subnets} & routed
    assert template.only("AWS::RDS::DBInstance").get("PubliclyAccessible") is not True


def test_zones_are_those_that_are_named(templates: Synthesize) -> None:
    zones = "eu-central-1b,eu-central-1c"
    subnets = templates(availability_zones=zones).all("AWS::EC2::Subnet").values()
    assert sorted(subnet["AvailabilityZone"] for subnet in subnets) == zones.split(",")


def test_cluster_is_encrypted_guarded_and_backed_up(either: Template) -> None:
    cluster = either.only("AWS::RDS::DBCluster")
    assert cluster["StorageEncrypted"] is True
    assert attribute_of(cluster["KmsKeyId"]) in either.all("AWS::KMS::Key")
    assert either.only("AWS::KMS::Key")["EnableKeyRotation"] is True
    assert cluster["DeletionProtection"] is True
    assert cluster["BackupRetentionPeriod"] == 14
    (resource,) = (r for r in either.resources.values() if r["Type"] == "AWS::RDS::DBCluster")
    assert resource["DeletionPolicy"] == "Snapshot"


def test_ephemeral_goes_away_whole(trial: Template) -> None:
    assert trial.only("AWS::RDS::DBCluster")["DeletionProtection"] is False
    kept = {
        resource["Type"]
        for resource in trial.resources.values()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }
    # The account's setting for API Gateway's logs; other APIs of the account may use it too.
    assert kept <= {"AWS::ApiGateway::Account", "AWS::IAM::Role"}


def test_nobody_has_a_password(either: Template) -> None:
    cluster = either.only("AWS::RDS::DBCluster")
    assert cluster["MasterUserAuthenticationType"] == "iam-db-auth"
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    assert "MasterUserPassword" not in cluster
    assert "ManageMasterUserPassword" not in cluster
    assert not either.all("AWS::SecretsManager::Secret")
    assert not cluster.get("EnableHttpEndpoint")


def test_each_function_signs_in_as_its_own_role_alone(either: Template) -> None:
    for name, row in read_function_table().functions.items():
        statements = either.function_statements(name)
        (connect,) = [s for s in statements if s["Action"] == ["rds-db:connect"]]
        (resource,) = connect["Resource"]
        role = "sessions_app" if row.database == "app" else "sessions_migrator"
        assert flat(resource).endswith(f'/{role}"]]}}')


def test_data_functions_sign_in_at_the_proxy_and_the_proxy_at_the_cluster(standard: Template) -> None:
    proxy = standard.only("AWS::RDS::DBProxy")
    assert (proxy["DefaultAuthScheme"], proxy["RequireTLS"]) == ("IAM_AUTH", True)
    assert not proxy.get("Auth") or all("SecretArn" not in entry for entry in proxy["Auth"])
    (proxy_id,) = standard.all("AWS::RDS::DBProxy")
    (cluster_id,) = standard.all("AWS::RDS::DBCluster")
    (own,) = standard.statements(attribute_of(proxy["RoleArn"]))
    assert own["Action"] == ["rds-db:connect"]
    assert cluster_id in flat(own["Resource"])
    assert "/sessions_app" in flat(own["Resource"])  # the proxy signs in as whoever signed in to it
    (process,) = [s for s in standard.function_statements("process") if s["Action"] == ["rds-db:connect"]]
    assert proxy_id in flat(process["Resource"])
    assert cluster_id not in flat(process["Resource"])


def test_proxy_lends_within_seconds_or_refuses(standard: Template) -> None:
    pool = standard.only("AWS::RDS::DBProxyTargetGroup")["ConnectionPoolConfigurationInfo"]
    assert 5 <= pool["ConnectionBorrowTimeout"] <= 10


def test_server_refuses_connections_without_tls(either: Template) -> None:
    assert either.only("AWS::RDS::DBClusterParameterGroup")["Parameters"]["rds.force_ssl"] == "1"


def test_server_logs_slow_statements_without_what_people_say(either: Template) -> None:
    parameters = either.only("AWS::RDS::DBClusterParameterGroup")["Parameters"]
    assert int(parameters["log_min_duration_statement"]) > 0
    assert parameters["log_parameter_max_length"] == "0"


@pytest.mark.parametrize(
    ("switches", "scaling"),
    [
        ({}, {"MinCapacity": 0.5, "MaxCapacity": 4}),
        ({"proxy": "false"}, {"MinCapacity": 0, "MaxCapacity": 4, "SecondsUntilAutoPause": 300}),
    ],
)
def test_cluster_pauses_only_without_a_proxy(
    templates: Synthesize, switches: dict[str, str], scaling: dict[str, float]
) -> None:
    assert templates(**switches).only("AWS::RDS::DBCluster")["ServerlessV2ScalingConfiguration"] == scaling


def test_nothing_keeps_a_pausing_cluster_awake(direct: Template) -> None:
    """Idle sessions end, their functions expect it and wait for a resume, and nothing runs oftener than daily."""
    schema = direct.only("Custom::SessionSchema")
    variables = direct.function("process")["Environment"]["Variables"]
    assert 0 < schema["IdleSessionTimeoutSeconds"] <= 60
    assert float(variables["DATABASE_IDLE_SECONDS"]) < schema["IdleSessionTimeoutSeconds"]
    assert int(variables["DATABASE_CONNECT_TIMEOUT_SECONDS"]) > 15
    assert direct.only("AWS::Scheduler::Schedule")["ScheduleExpression"] == "cron(17 3 * * ? *)"
    assert not direct.all("AWS::Events::Rule")


def test_the_proxy_keeps_its_own_idle_sessions(standard: Template) -> None:
    assert standard.only("Custom::SessionSchema")["IdleSessionTimeoutSeconds"] == 0
