"""The functions as deployed: one table, their surroundings, and what each may do."""

from pathlib import Path

from infra_cdk.function_table import read_function_table
from infra_cdk.migration import MIGRATIONS_FOLDER, make_properties
from infra_cdk.settings import Settings
from tests.infra.conftest import PROFILE
from tests.infra.template import Template, as_list, attribute_of, flat

TABLE = read_function_table()
MODEL = "anthropic.claude-sonnet-4-6"
BEDROCK_ACTIONS = {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}


def variables(template: Template, name: str) -> dict[str, object]:
    return template.function(name)["Environment"]["Variables"]


def test_functions_are_those_of_the_table(either: Template) -> None:
    assert set(either.function_ids()) == set(TABLE.functions)
    for name, row in TABLE.functions.items():
        function = either.function(name)
        assert (function["Timeout"], function["MemorySize"]) == (row.timeout_seconds, row.memory_mb)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        assert function["Handler"] == "handler.handler"


def test_functions_say_where_sessions_live_without_a_secret(standard: Template, direct: Template) -> None:
    for template, authorities in ((standard, "amazon-trust-services"), (direct, "rds")):
        process = variables(template, "process")
        assert "postgresql://sessions_app@" in flat(process["SESSION_BACKEND_URL"])
        assert ":5432/sessions?sslmode=verify-full" in flat(process["SESSION_BACKEND_URL"])
        assert process["DATABASE_IAM_AUTH"] == "true"
        assert process["DATABASE_CA_FILE"] == f"/opt/certificates/{authorities}.pem"
        migrate = variables(template, "migrate")
        assert "postgresql://sessions_migrator@" in flat(migrate["SESSION_BACKEND_URL"])
        assert "Endpoint.Address" in flat(migrate["SESSION_BACKEND_URL"])
        assert migrate["DATABASE_CA_FILE"] == "/opt/certificates/rds.pem"


def test_only_the_streaming_function_runs_under_the_wrapper(either: Template) -> None:
    (layer,) = [
        name for name in either.all("AWS::Lambda::LayerVersion") if name.startswith("FunctionsResponseStreaming")
    ]
    for name, row in TABLE.functions.items():
        assert (variables(either, name).get("AWS_LAMBDA_EXEC_WRAPPER") == "/opt/response-streaming") == row.streaming
        assert ({"Ref": layer} in either.function(name)["Layers"]) == row.streaming


def test_no_function_believes_to_be_on_a_laptop(either: Template) -> None:
    assert "AWS_SAM_LOCAL" not in flat(either.body)


def test_only_agents_may_call_the_chosen_model(either: Template) -> None:
    for name, row in TABLE.functions.items():
        granted = [
            statement
            for statement in either.function_statements(name)
            if any(action.startswith("bedrock:") for action in statement["Action"])
        ]
        assert bool(granted) == row.agent
        for statement in granted:
            assert set(statement["Action"]) == BEDROCK_ACTIONS
            assert all(flat(resource).rstrip('"]}').endswith(MODEL) for resource in statement["Resource"])


def test_a_model_behind_a_profile_is_reached_through_the_profile_alone(standard: Template) -> None:
    profile, model = (
        statement
        for statement in standard.function_statements("process")
        if set(statement["Action"]) == BEDROCK_ACTIONS
    )
    assert f":inference-profile/global.{MODEL}" in flat(profile["Resource"])
    assert f":bedrock:*::foundation-model/{MODEL}" in flat(model["Resource"])
    assert model["Condition"] == {"StringEquals": {"bedrock:InferenceProfileArn": profile["Resource"][0]}}


def test_an_application_profile_is_the_only_way_to_what_it_was_made_from(released: Template) -> None:
    first, *behind = (s for s in released.function_statements("process") if set(s["Action"]) == BEDROCK_ACTIONS)
    assert first["Resource"] == [PROFILE]
    reached = [flat(resource) for statement in behind for resource in statement["Resource"]]
    assert any(f":inference-profile/global.{MODEL}" in arn for arn in reached)
    assert any(f":bedrock:*::foundation-model/{MODEL}" in arn for arn in reached)
    assert {flat(s["Condition"]) for s in behind} == {flat({"StringEquals": {"bedrock:InferenceProfileArn": PROFILE}})}
    assert variables(released, "process")["MODEL_ID"] == PROFILE


def test_a_plain_model_is_allowed_in_its_own_region(trial: Template) -> None:
    (model,) = (s for s in trial.function_statements("process") if set(s["Action"]) == BEDROCK_ACTIONS)
    assert "AWS::Region" in flat(model["Resource"])
    assert "foundation-model/amazon.nova-lite-v1:0" in flat(model["Resource"])


def test_no_permission_is_wider_than_its_service_forces(either: Template) -> None:
    for name in TABLE.functions:
        for statement in either.function_statements(name):
            assert not any("*" in action for action in statement["Action"])
            if "*" in statement["Resource"]:
                assert {action.partition(":")[0] for action in statement["Action"]} == {"ec2", "xray"}


def test_only_the_endpoints_of_bedrock_and_the_uploads_lead_out_of_the_network(standard: Template) -> None:
    assert not standard.all("AWS::EC2::NatGateway")
    assert not standard.all("AWS::EC2::InternetGateway")
    assert len(standard.all("AWS::EC2::VPCEndpoint")) == 2
    _, endpoint = standard.endpoint("bedrock-runtime")
    (allowed,) = endpoint["PolicyDocument"]["Statement"]
    assert set(as_list(allowed["Action"])) == BEDROCK_ACTIONS
    assert all(MODEL in flat(resource) for resource in as_list(allowed["Resource"]))
    (group,) = endpoint["SecurityGroupIds"]
    agents = [g for name, row in TABLE.functions.items() if row.agent for g in standard.group_ids(name)]
    assert standard.sources_of(attribute_of(group)) == sorted((agent, 443, 443) for agent in agents)


def test_only_agents_and_who_deletes_uploads_reach_the_internet_through_nat(other_provider: Template) -> None:
    template = other_provider
    assert template.all("AWS::EC2::NatGateway")
    assert len(template.all("AWS::EC2::VPCEndpoint")) == 1
    assert "PolicyDocument" not in template.endpoint("s3")[1]
    for name, row in TABLE.functions.items():
        (group,) = template.group_ids(name)
        rules = template.resources[group]["Properties"].get("SecurityGroupEgress", [])
        open_ports = [rule["ToPort"] for rule in rules if rule["CidrIp"] == "0.0.0.0/0"]
        deletes = {"deleteSession", "sessionBackend"} & set(row.operations)
        assert open_ports == ([443] if row.agent or deletes else [])


def test_another_providers_key_is_read_by_the_functions_with_an_agent_alone(other_provider: Template) -> None:
    template = other_provider
    agent = variables(template, "process")
    assert (agent["MODEL_PROVIDER"], agent["MODEL_ID"]) == ("openai", "gpt-5")
    assert (agent["MODEL_KEY_SECRET"], agent["MODEL_KEY_VARIABLE"]) == ("prod/openai", "OPENAI_API_KEY")
    assert "resolve:secretsmanager" not in flat(template.body)
    for name, row in TABLE.functions.items():
        secrets = [s for s in template.function_statements(name) if s["Action"] == ["secretsmanager:GetSecretValue"]]
        assert bool(secrets) == row.agent
        assert all(flat(s["Resource"]).endswith(':secret:prod/openai-??????"]]}]') for s in secrets)
    assert "bedrock" not in flat(template.function_statements("process"))


def test_retention_is_off_until_asked_for(standard: Template, tuned: Template) -> None:
    assert "SESSION_TTL_DAYS" not in flat(standard.body)
    assert variables(tuned, "expire")["SESSION_TTL_DAYS"] == "30"


def test_concurrency_is_capped_without_a_proxy(standard: Template, direct: Template) -> None:
    for name, row in TABLE.functions.items():
        assert "ReservedConcurrentExecutions" not in standard.function(name)
        expected = 20 if row.database == "app" else None
        assert direct.function(name).get("ReservedConcurrentExecutions") == expected


def test_migrations_come_before_every_other_function(either: Template) -> None:
    (schema,) = either.all("Custom::SessionSchema")
    ids = either.function_ids()
    assert ids["migrate"] not in {name for name in ids.values() if schema in depends_on(either, name)}
    for name in set(ids) - {"migrate"}:
        assert schema in depends_on(either, ids[name])


def test_functions_wait_for_the_proxy_to_have_its_database(standard: Template) -> None:
    (target,) = standard.all("AWS::RDS::DBProxyTargetGroup")
    for name, function_id in standard.function_ids().items():
        assert (target in depends_on(standard, function_id)) == (name != "migrate")


def test_an_agent_waits_for_the_endpoint_of_its_model(standard: Template) -> None:
    endpoint, _ = standard.endpoint("bedrock-runtime")
    for name, function_id in standard.function_ids().items():
        assert (endpoint in depends_on(standard, function_id)) == TABLE.functions[name].agent


def test_the_proxy_looks_for_its_database_when_it_can_sign_in(standard: Template) -> None:
    (target,) = standard.all("AWS::RDS::DBProxyTargetGroup")
    (schema,) = standard.all("Custom::SessionSchema")
    role = attribute_of(standard.only("AWS::RDS::DBProxy")["RoleArn"])
    (policy,) = (name for name, p in standard.all("AWS::IAM::Policy").items() if {"Ref": role} in p["Roles"])
    (proxy_group,) = standard.only("AWS::RDS::DBProxy")["VpcSecurityGroupIds"]
    (way_out,) = (
        name for name, rule in standard.all("AWS::EC2::SecurityGroupEgress").items() if rule["GroupId"] == proxy_group
    )
    (way_in,) = (
        name
        for name, rule in standard.all("AWS::EC2::SecurityGroupIngress").items()
        if rule["SourceSecurityGroupId"] == proxy_group
    )
    assert {schema, policy, way_out, way_in} <= set(depends_on(standard, target))


def test_migrations_wait_for_the_database_and_the_way_to_it(either: Template) -> None:
    (schema,) = either.all("Custom::SessionSchema")
    (instance,) = either.all("AWS::RDS::DBInstance")
    (migrator,) = either.group_ids("migrate")
    rules = either.all("AWS::EC2::SecurityGroupIngress") | either.all("AWS::EC2::SecurityGroupEgress")
    way = {
        name
        for name, rule in rules.items()
        if migrator in (attribute_of(rule["GroupId"]), attribute_of(rule.get("SourceSecurityGroupId", rule["GroupId"])))
    }
    assert len(way) == 2
    assert {instance, *way} <= set(depends_on(either, schema))


def test_the_migrations_caller_is_outside_the_network_and_the_migrator_inside(either: Template) -> None:
    (framework,) = (
        function
        for name, function in either.all("AWS::Lambda::Function").items()
        if name not in either.function_ids().values()
    )
    assert "VpcConfig" not in framework
    assert either.function_ids()["migrate"] in flat(framework["Environment"])
    assert "VpcConfig" in either.function("migrate")


def test_a_change_of_schema_role_or_grants_runs_the_migrations_again(tmp_path: Path) -> None:
    (tmp_path / "0001_create.sql").write_text("SELECT 1")
    before = make_properties(Settings(), tmp_path)
    (tmp_path / "0002_alter.sql").write_text("SELECT 2")
    assert make_properties(Settings(), tmp_path) != before
    assert make_properties(Settings(proxy=False), tmp_path) != make_properties(Settings(), tmp_path)
    assert make_properties(Settings(database_schema="agents"), tmp_path) != make_properties(Settings(), tmp_path)
    (tmp_path / "handler.py").write_text("GRANT SELECT")
    assert make_properties(Settings(), handler=tmp_path / "handler.py") != make_properties(Settings())
    assert list(MIGRATIONS_FOLDER.glob("*.sql"))


def depends_on(template: Template, name: str) -> list[str]:
    return as_list(template.resources[name].get("DependsOn", []))
