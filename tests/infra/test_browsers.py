"""What lets pages call: origins by CORS, and tokens of an issuer of one's own."""

import pytest

from infra_cdk.settings import Settings, SettingsError
from tests.infra.conftest import Synthesize
from tests.infra.template import Template, flat

APP, DEVELOPMENT = "https://app.example.com", "http://localhost:5173"


def test_every_route_answers_a_preflight_that_names_one_origin(browsers: Template) -> None:
    routes = browsers.routes()
    assert {path for method, path in routes if method == "OPTIONS"} == {path for _, path in routes}
    preflight = routes["OPTIONS", "/process"]
    assert preflight["AuthorizationType"] == "NONE"
    assert "'*'" not in flat(preflight)
    assert "Access-Control-Allow-Credentials" not in flat(preflight)
    for word in (APP, DEVELOPMENT, "Idempotency-Key", "Last-Event-ID", "Authorization"):
        assert word in flat(preflight)


def test_the_functions_and_the_gateways_own_answers_know_the_origins(browsers: Template, standard: Template) -> None:
    variables = browsers.function("process")["Environment"]["Variables"]
    assert variables["CORS_ORIGINS"] == f"{APP},{DEVELOPMENT}"
    for response in browsers.all("AWS::ApiGateway::GatewayResponse").values():
        assert response["ResponseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == f"'{APP}'"
    assert "Access-Control" not in flat(standard.all("AWS::ApiGateway::GatewayResponse"))
    assert not [path for method, path in standard.routes() if method == "OPTIONS"]


def test_the_authorizer_has_no_network_and_no_database(browsers: Template) -> None:
    authorizer = browsers.function("authorize")
    assert "VpcConfig" not in authorizer
    variables = authorizer["Environment"]["Variables"]
    assert variables == {
        "JWT_ISSUER": "https://issuer.example.com/",
        "JWT_AUDIENCE": "agents",
        "JWT_OWNER_CLAIM": "email",
    }
    (gateways,) = browsers.all("AWS::ApiGateway::Authorizer").values()
    assert (gateways["Type"], gateways["IdentitySource"]) == ("REQUEST", "method.request.header.Authorization")
    assert gateways["AuthorizerResultTtlInSeconds"] <= 60
    owned = {method["AuthorizationType"] for (verb, _), method in browsers.routes().items() if verb != "OPTIONS"}
    assert owned == {"CUSTOM", "NONE"}
    assert ("GET", "/") not in browsers.routes()


def test_an_update_to_tokens_makes_an_authorizer_and_changes_none(browsers: Template, tuned: Template) -> None:
    kind = "AWS::ApiGateway::Authorizer"
    assert not set(browsers.all(kind)) & set(tuned.all(kind))


def test_background_runs_know_the_caller_of_the_token(browsers: Template) -> None:
    assert "$context.authorizer.authorized_caller" in flat(browsers.routes()["POST", "/runs"])


def test_an_existing_pool_verifies_callers_and_has_no_console(templates: Synthesize) -> None:
    template = templates(authorization="cognito", user_pool_id="eu-central-1_AbCdEf123")
    (authorizer,) = template.all("AWS::ApiGateway::Authorizer").values()
    assert "userpool/eu-central-1_AbCdEf123" in flat(authorizer["ProviderARNs"])
    assert not template.all("AWS::Cognito::UserPool")
    assert ("GET", "/") not in template.routes()


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"authorization": "jwt"}, "needs jwt_issuer and jwt_audience"),
        ({"authorization": "jwt", "jwt_issuer": "http://a.example.com", "jwt_audience": "a"}, "jwt_issuer"),
        ({"jwt_issuer": "https://a.example.com"}, "need authorization=jwt"),
        ({"user_pool_id": "eu-central-1_AbCdEf123"}, "needs authorization=cognito"),
        ({"cors_origins": "*"}, "cors_origins must be origins such as"),
        ({"cors_origins": "https://a.example.com/path"}, "cors_origins must be origins such as"),
    ],
)
def test_half_a_configuration_is_refused_in_a_sentence(context: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.from_context(context)


def test_their_pages_may_upload(browsers: Template) -> None:
    (rule,) = browsers.only("AWS::S3::Bucket")["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], rule["AllowedOrigins"]) == (["PUT"], [APP, DEVELOPMENT])
    assert rule["AllowedHeaders"] == ["content-type"]
