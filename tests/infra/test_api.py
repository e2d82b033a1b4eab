"""The API as deployed: one route table, what is public, limits, and the gateway's own errors."""

import json
import subprocess

import pytest

from infra_cdk.function_table import read_function_table
from local.gateway.gateway_problems import GatewayProblem
from tests.infra.template import Template, flat

TABLE = read_function_table()
ROUTES = {(each.route.method, each.route.path): each for each in TABLE.deployed_routes(has_console=False)}
NOTHING_OF_A_SESSION = {"/health", "/health/live", "/openapi.json", "/docs"}
CONSOLE = {"/", "/console/console.js"}


def test_routes_are_those_of_the_table(either: Template) -> None:
    assert set(either.routes()) == set(ROUTES)
    assert len(ROUTES) == len(TABLE.deployed_routes(has_console=False))
    for key, method in either.routes().items():
        assert either.function_ids()[ROUTES[key].function] in flat(method["Integration"]["Uri"])


def test_only_health_documentation_and_where_one_signs_in_the_console_are_public(
    standard: Template, tuned: Template
) -> None:
    iam, cognito = (standard, "AWS_IAM", set[str]()), (tuned, "COGNITO_USER_POOLS", CONSOLE)
    for template, authorization, console in (iam, cognito):
        public = {path for (_, path), method in template.routes().items() if method["AuthorizationType"] == "NONE"}
        verified = {method["AuthorizationType"] for method in template.routes().values()} - {"NONE"}
        assert public == NOTHING_OF_A_SESSION | console
        assert verified == {authorization}


def test_cognito_routes_name_the_pool_that_the_stack_makes(tuned: Template) -> None:
    template = tuned
    (authorizer,) = template.all("AWS::ApiGateway::Authorizer")
    (pool,) = template.all("AWS::Cognito::UserPool")
    assert pool in flat(template.only("AWS::ApiGateway::Authorizer")["ProviderARNs"])
    assert template.only("AWS::Cognito::UserPool")["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    flows = [client.get("AllowedOAuthFlows") for client in template.all("AWS::Cognito::UserPoolClient").values()]
    assert sorted(flows, key=str) == [None, ["code"]]  # programs sign in themselves, the console by a code
    owned = [method for method in template.routes().values() if method["AuthorizationType"] != "NONE"]
    assert all(method["AuthorizerId"] == {"Ref": authorizer} for method in owned)


def test_streaming_routes_stream_and_others_do_not(either: Template) -> None:
    for key, method in either.routes().items():
        integration = method["Integration"]
        if TABLE.functions[ROUTES[key].function].asynchronous:
            continue
        streams = TABLE.functions[ROUTES[key].function].streaming
        assert integration["Type"] == "AWS_PROXY"
        assert integration["TimeoutInMillis"] == (900_000 if streams else 29_000)
        assert (integration["ResponseTransferMode"] == "STREAM") == streams
        assert ("/response-streaming-invocations" in flat(integration["Uri"])) == streams
        assert ("2021-11-15" in flat(integration["Uri"])) == streams


def test_functions_are_called_by_their_own_routes_alone(either: Template) -> None:
    (api,) = either.all("AWS::ApiGateway::RestApi")
    permissions = list(either.all("AWS::Lambda::Permission").values())
    assert len(permissions) == len(ROUTES)
    for permission in permissions:
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert api in flat(permission["SourceArn"])
        assert "test-invoke-stage" not in flat(permission["SourceArn"])


def test_stage_throttles_and_logs_without_what_people_say(either: Template) -> None:
    stage = either.only("AWS::ApiGateway::Stage")
    (settings,) = stage["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (50, 100)
    assert settings["DataTraceEnabled"] is False
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    assert fields["status"] == "$context.status"
    assert not {"$context.path", "$context.requestOverride.path"} & set(fields.values())


def test_throttle_is_a_switch(tuned: Template) -> None:
    (settings,) = tuned.only("AWS::ApiGateway::Stage")["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (7, 14)


def test_gateways_own_errors_are_problems(either: Template) -> None:
    responses = {p["ResponseType"]: p for p in either.all("AWS::ApiGateway::GatewayResponse").values()}
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED"} <= set(responses)
    for properties in responses.values():
        body = json.loads(properties["ResponseTemplates"]["application/json"])
        assert properties["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert body["request_id"] == "$context.requestId"
        assert str(body.get("status", "")) == properties.get("StatusCode", "")
    assert "gatewayresponse.header.Retry-After" in responses["THROTTLED"]["ResponseParameters"]


@pytest.mark.parametrize(
    ("response_type", "problem"),
    [
        ("REQUEST_TOO_LARGE", GatewayProblem.PAYLOAD_TOO_LARGE),
        ("THROTTLED", GatewayProblem.TOO_MANY_REQUESTS),
        ("INTEGRATION_TIMEOUT", GatewayProblem.GATEWAY_TIMEOUT),
        ("DEFAULT_4XX", GatewayProblem.BAD_REQUEST),
        ("DEFAULT_5XX", GatewayProblem.FUNCTION_FAILED),
    ],
)
def test_gateways_codes_are_those_of_the_local_gateway(
    standard: Template, response_type: str, problem: GatewayProblem
) -> None:
    responses = {p["ResponseType"]: p for p in standard.all("AWS::ApiGateway::GatewayResponse").values()}
    body = json.loads(responses[response_type]["ResponseTemplates"]["application/json"])
    assert body["code"] == problem.value[1]
    assert body.get("status", problem.status) == problem.status


def test_outputs_lead_to_the_api_and_the_dashboard(standard: Template, tuned: Template) -> None:
    outputs = {name: flat(output["Value"]) for name, output in standard.body["Outputs"].items()}
    assert {"ApiUrl", "Curl", "DashboardUrl"} == set(outputs)
    assert "--aws-sigv4 aws:amz:" in outputs["Curl"]
    cognito = {name: flat(output["Value"]) for name, output in tuned.body["Outputs"].items()}
    assert "$ID_TOKEN" in cognito["Curl"]


def test_curl_line_names_a_session_token_only_where_there_is_one(standard: Template) -> None:
    parts = standard.body["Outputs"]["Curl"]["Value"]["Fn::Join"][1]
    line = "".join(part if isinstance(part, str) else "reference" for part in parts)
    tokens = {token: [a for a in curl_arguments(line, token) if "token" in a] for token in ("", "t+o/k=")}
    assert tokens == {"": [], "t+o/k=": ["-Hx-amz-security-token:t+o/k="]}


def curl_arguments(line: str, token: str) -> list[str]:
    script = f"curl() {{ printf '%s\\n' \"$@\"; }}\n{line}"
    environment = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": token}
    ended = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()
