import pytest

from api.edges.api_gateway_caller import find_caller

POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc"


def identity(**values: str) -> dict[str, dict[str, str]]:
    return {"identity": values}


@pytest.mark.parametrize(
    ("context", "owner"),
    [
        (identity(user="AIDAALICE", caller="AIDAALICE"), "iam:AIDAALICE"),
        (identity(user="AROAROLE:alice", caller="AROAROLE:alice"), "iam:AROAROLE"),
        (identity(user="AROAROLE:AIDABOB"), "iam:AROAROLE"),
        (identity(user="123456789012"), "iam:123456789012"),
        (identity(caller="AIDAALICE"), "iam:AIDAALICE"),
        ({"authorizer": {"claims": {"iss": POOL, "sub": "u1"}}}, "cognito:eu-west-1_Abc|u1"),
        (identity(cognitoIdentityId="eu-west-1:1", user="AROAGUEST:x"), "cognito-identity:eu-west-1:1"),
        (identity(cognitoIdentityId="eu-west-1:2", user="AROAGUEST:x"), "cognito-identity:eu-west-1:2"),
    ],
)
def test_the_caller_is_the_one_that_the_gateway_verified(context: dict[str, object], owner: str) -> None:
    assert find_caller(context) == owner


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"identity": None, "authorizer": None},
        identity(user=""),
        identity(user="alice"),
        identity(user="AROAROLE"),  # a role is never without its session's name
        identity(user="AROA:AIDAALICE"),
        identity(user="123456789012:AIDAALICE"),  # a federated user: the name is its own choice
        identity(user="local:sam"),
        {"authorizer": {"claims": {"sub": "u1"}}},
        {"authorizer": {"claims": {"iss": POOL}}},
        {"authorizer": {"principalId": "u1"}},
        {"authorizer": {"claims": {"iss": POOL, "sub": "alice/bob"}}},  # would be a subspace of another caller
        {"authorizer": {"claims": {"iss": POOL, "sub": "a\nb"}}},
    ],
)
def test_a_caller_that_is_not_verified_is_nobody(context: dict[str, object]) -> None:
    assert find_caller(context) is None


@pytest.mark.parametrize(
    ("principal", "owner"),
    [
        ("AROAROLE:alice@example.com", "iam:AROAROLE:alice@example.com"),
        ("AROAROLE:bob", "iam:AROAROLE:bob"),
        ("AIDAALICE", "iam:AIDAALICE"),
        ("123456789012", "iam:123456789012"),
        ("AROAROLE:", None),
        ("AROAROLE:a/b", None),  # no session may be called so: it would be a subspace of another caller
        ("123456789012:alice", None),
    ],
)
def test_a_roles_sessions_are_owners_of_their_own_where_that_is_set(principal: str, owner: str | None) -> None:
    assert find_caller(identity(user=principal), by_session=True) == owner


def test_sam_local_has_one_owner_and_only_where_no_caller_is_verified() -> None:
    assert find_caller({"identity": {"user": None}}, sam_local=True) == "local:sam"
    assert find_caller(identity(user="AIDAALICE"), sam_local=True) == "iam:AIDAALICE"
