"""Who calls a server of one's own, by a proxy's header or by a token."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api.edges.asgi_caller import ProxyCaller
from api.edges.asgi_token_caller import TokenCaller
from api.errors import IssuerUnavailableError
from tests.support.issuer import AUDIENCE, Issuer, publishing


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with publishing() as issuer:
        yield issuer


@pytest.fixture
def find(issuer: Issuer) -> TokenCaller:
    return TokenCaller(issuer.url, AUDIENCE)


def bearer(token: str) -> dict[str, list[str]]:
    return {"authorization": [f"Bearer {token}"]}


def test_a_proxys_word_is_taken_for_its_user() -> None:
    assert ProxyCaller("X-User")({"x-user": ["alice"]}).owner == "proxy:alice"


@pytest.mark.parametrize("values", [None, [""], ["alice", "bob"], ["alice/bob"], ["a\nb"], ["x" * 300]])
def test_what_names_no_user_or_two_is_nobody(values: list[str] | None) -> None:
    assert ProxyCaller("X-User")({} if values is None else {"x-user": values}).owner is None


def test_a_token_names_its_user_within_its_issuer(find: TokenCaller, issuer: Issuer) -> None:
    caller = find(bearer(issuer.sign(email="alice@example.com")))
    assert caller.owner == f"jwt:{issuer.url.removeprefix('http://')}|alice"
    assert caller.claims["email"] == "alice@example.com"


def test_another_claim_can_name_the_user(issuer: Issuer) -> None:
    owner = TokenCaller(issuer.url, AUDIENCE, "email")(bearer(issuer.sign(email="alice@example.com"))).owner
    assert owner == f"jwt:{issuer.url.removeprefix('http://')}|alice@example.com"


def test_a_user_of_a_cognito_pool_has_the_sessions_of_the_deployment_on_aws(issuer: Issuer) -> None:
    pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Abc"
    find = TokenCaller(pool, AUDIENCE, key_url=f"{issuer.url}/keys")
    assert find(bearer(issuer.sign(iss=pool))).owner == "cognito:eu-central-1_Abc|alice"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "others"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"nbf": time.time() + 3600},
        {"sub": None},
        {"sub": "a/b"},
        {"sub": ""},
    ],
)
def test_a_token_for_others_or_of_another_time_is_nobodys(
    find: TokenCaller, issuer: Issuer, claims: dict[str, Any]
) -> None:
    payload = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 60, **claims}
    given = {name: value for name, value in payload.items() if value is not None}
    token = jwt.encode(given, issuer.keys["first"], "RS256", {"kid": "first"})
    assert find(bearer(token)).owner is None


def test_no_other_key_or_algorithm_is_taken(find: TokenCaller, issuer: Issuer) -> None:
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 60}
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = [
        jwt.encode(claims, stranger, "RS256", {"kid": "first"}),
        jwt.encode(claims, None, "none", {"kid": "first"}),
        jwt.encode(claims, "a shared secret".ljust(64), "HS256", {"kid": "first"}),
        "no.token.atall",
        "",
    ]
    assert [find(bearer(token)).owner for token in forged] == [None] * len(forged)


def test_only_one_bearer_token_is_read(find: TokenCaller, issuer: Issuer) -> None:
    token = issuer.sign()
    assert find({}).owner is None
    assert find({"authorization": [f"Basic {token}"]}).owner is None
    assert find({"authorization": [f"Bearer {token}", f"Bearer {token}"]}).owner is None


def test_a_rotated_key_is_taken_and_an_unknown_one_is_not_asked_for_at_every_token(issuer: Issuer) -> None:
    find = TokenCaller(issuer.url, AUDIENCE)
    issuer.add_key("second")
    assert find(bearer(issuer.sign("second"))).owner
    issuer.add_key("third")
    assert find(bearer(issuer.sign("third"))).owner is None  # the keys were read a moment ago


def test_an_issuer_that_is_away_is_nobodys_refusal(issuer: Issuer) -> None:
    find = TokenCaller(issuer.url, AUDIENCE)
    issuer.is_away = True
    try:
        with pytest.raises(IssuerUnavailableError):
            find(bearer(issuer.sign()))
    finally:
        issuer.is_away = False
    assert find(bearer(issuer.sign())).owner
