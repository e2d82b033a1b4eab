"""The console's sign-in: only with Cognito, only by code, and only back to the console."""

from tests.infra.template import Template, flat


def clients(template: Template) -> dict[str, dict[str, object]]:
    return template.all("AWS::Cognito::UserPoolClient")


def test_nobody_signs_in_where_callers_are_iam_principals(standard: Template) -> None:
    for kind in ("UserPool", "UserPoolClient", "UserPoolDomain"):
        assert not standard.all(f"AWS::Cognito::{kind}")
    assert "SIGN_IN_URL" not in flat(standard.all("AWS::Lambda::Function"))


def test_the_sign_in_pages_hand_out_codes_to_the_console_and_tokens_to_nobody(tuned: Template) -> None:
    (api,) = tuned.all("AWS::ApiGateway::RestApi")
    (console,) = [client for client in clients(tuned).values() if client.get("AllowedOAuthFlowsUserPoolClient")]
    assert console["AllowedOAuthFlows"] == ["code"]
    assert console["AllowedOAuthScopes"] == ["openid"]
    assert "GenerateSecret" not in console
    (callback,) = console["CallbackURLs"]
    assert api in flat(callback)
    assert flat(callback).endswith('/v1/"]]}')


def test_the_function_that_serves_the_console_knows_where_to_sign_in(tuned: Template) -> None:
    (domain,) = tuned.all("AWS::Cognito::UserPoolDomain")
    told = {
        name: function["Environment"]["Variables"]
        for name, function in tuned.all("AWS::Lambda::Function").items()
        if "SIGN_IN_URL" in flat(function.get("Environment", {}))
    }
    assert set(told) == {tuned.function_ids()["sessions"]}
    (variables,) = told.values()
    assert domain in flat(variables["SIGN_IN_URL"])
    assert variables["SIGN_IN_CLIENT_ID"]["Ref"] in clients(tuned)
