"""API Gateway's authorizer for tokens, against an issuer on this machine."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from api.edges.api_gateway_caller import find_caller, find_claims
from api.edges.asgi_token_caller import TokenCaller
from api.edges.token_authorizer import TokenAuthorizer, UnauthorizedError, build_authorizer
from api.errors import IssuerUnavailableError
from session_store.errors import ConfigurationError
from tests.support.issuer import AUDIENCE, Issuer, publishing

ARN = "arn:aws:execute-api:eu-central-1:123456789012:abc123/v1/GET/sessions/a/history"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with publishing() as issuer:
        yield issuer


@pytest.fixture
def authorize(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> TokenAuthorizer:
    monkeypatch.setenv("JWT_ISSUER", issuer.url)
    monkeypatch.setenv("JWT_AUDIENCE", AUDIENCE)
    return build_authorizer()


def event(*authorizations: str) -> dict[str, Any]:
    return {"methodArn": ARN, "multiValueHeaders": {"Authorization": [*authorizations]}}


def test_a_valid_token_names_the_caller_of_every_route(issuer: Issuer, authorize: TokenAuthorizer) -> None:
    answer = authorize(event(f"Bearer {issuer.sign()}"), None)
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", ARN.removesuffix("GET/sessions/a/history") + "*")


def test_what_the_authorizer_says_is_who_the_functions_serve(issuer: Issuer, authorize: TokenAuthorizer) -> None:
    answer = authorize(event(f"Bearer {issuer.sign(sub='alice', team='it is hers')}"), None)
    context = {"authorizer": {"principalId": answer["principalId"], **answer["context"]}}
    place = issuer.url.removeprefix("http://")
    assert find_caller(context) == answer["principalId"] == f"jwt:{place}|alice"
    assert find_claims(context)["team"] == "it is hers"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": time.time() - 3600},
        {"nbf": time.time() + 3600},
        {"aud": "others"},
        {"iss": "https://elsewhere.example.com"},
        {"sub": None},
        {"sub": ""},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_is_not_for_us_is_refused(
    issuer: Issuer, authorize: TokenAuthorizer, claims: dict[str, Any]
) -> None:
    with pytest.raises(UnauthorizedError, match=r"^Unauthorized$"):
        authorize(event(f"Bearer {issuer.sign(**claims)}"), None)


def test_no_algorithm_but_a_private_keys_is_taken(issuer: Issuer, authorize: TokenAuthorizer) -> None:
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 60}
    unsigned = jwt.encode(claims, None, "none", {"kid": "first"})
    shared = jwt.encode(claims, "a secret of thirty-two bytes or more", "HS256", {"kid": "first"})
    for authorization in (f"Bearer {unsigned}", f"Bearer {shared}", "Bearer nonsense", issuer.sign(), "Basic YTpi"):
        with pytest.raises(UnauthorizedError):
            authorize(event(authorization), None)
    for refused in (event(), event(f"Bearer {issuer.sign()}", f"Bearer {issuer.sign()}"), {"methodArn": ARN}):
        with pytest.raises(UnauthorizedError):
            authorize(refused, None)


def test_a_rotated_key_is_taken_and_an_unknown_one_refused(issuer: Issuer) -> None:
    authorize = TokenAuthorizer(TokenCaller(issuer.url, AUDIENCE, refetch_seconds=0))
    authorize(event(f"Bearer {issuer.sign()}"), None)
    issuer.add_key("second")
    authorize(event(f"Bearer {issuer.sign('second')}"), None)
    unknown = Issuer(issuer.url)
    unknown.add_key("third")
    with pytest.raises(UnauthorizedError):
        authorize(event(f"Bearer {unknown.sign('third')}"), None)


def test_keys_that_cannot_be_read_refuse_nobody_for_good(issuer: Issuer, authorize: TokenAuthorizer) -> None:
    issuer.is_away = True
    try:
        with pytest.raises(IssuerUnavailableError):
            authorize(event(f"Bearer {issuer.sign()}"), None)
    finally:
        issuer.is_away = False
    authorize(event(f"Bearer {issuer.sign()}"), None)


def test_an_authorizer_without_an_issuer_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_ISSUER", raising=False)
    monkeypatch.delenv("JWT_AUDIENCE", raising=False)
    with pytest.raises(ConfigurationError):
        build_authorizer()
