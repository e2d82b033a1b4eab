"""Who calls: read from what API Gateway verified, and from nothing that the caller can write."""

import re
from typing import Any
from urllib.parse import urlsplit

from api.errors import UnauthenticatedError
from session_store import identifiers

SAM_LOCAL_OWNER = "local:sam"

# A user is AIDA…, a role AROA…:session, the root user the account's id; whoever assumes a role chooses the session's
# name, so it is cut off. docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
_PRINCIPAL = re.compile(r"(AIDA[A-Z0-9]+|[0-9]{12}|AROA[A-Z0-9]+(?=:))(?::.*)?", re.DOTALL)


def owner_of(request_context: dict[str, Any], *, sam_local: bool = False) -> str:
    """The verified caller: `cognito:<user pool>|<sub>`, `cognito-identity:<id>` or `iam:<unique id>`.

    Raises `UnauthenticatedError` when the gateway verified none.
    """
    authorizer: dict[str, Any] = request_context.get("authorizer") or {}
    identity: dict[str, Any] = request_context.get("identity") or {}
    claims = authorizer.get("claims")
    if claims:
        return identifiers.checked("owner", _user_of_pool(claims))
    if identity_id := identity.get("cognitoIdentityId"):
        # All guests of an identity pool share one role: the role's id would make them one owner.
        return identifiers.checked("owner", f"cognito-identity:{identity_id}")
    if principal := identity.get("user") or identity.get("caller"):
        return f"iam:{_unique_id(principal)}"
    if sam_local:
        return SAM_LOCAL_OWNER
    raise UnauthenticatedError


def _user_of_pool(claims: dict[str, Any]) -> str:
    pool, subject = urlsplit(str(claims.get("iss", ""))).path.strip("/"), claims.get("sub")
    if not pool or not subject:
        raise UnauthenticatedError
    return f"cognito:{pool}|{subject}"


def _unique_id(principal: str) -> str:
    match = _PRINCIPAL.fullmatch(principal)
    if match is None or (match[1].isdigit() and match[1] != principal):  # 123456789012:name is a federated user
        raise UnauthenticatedError
    return match[1]
