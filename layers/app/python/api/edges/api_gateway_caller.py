"""Who calls: read from what API Gateway has verified, and from nothing that the caller can write."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from session_store import identifiers
from session_store.errors import InvalidIdentifierError

SAM_LOCAL_OWNER = "local:sam"
# Where our own authorizer says who calls: in text alone, as its context has it, that no template need escape.
AUTHORIZED_CALLER = "authorized_caller"

# A user is AIDA…, a role AROA…:session, the root user the account's id. The caller that assumes a role chooses the
# session's name, unless the role's trust policy does: so it is cut off, unless somebody has decided otherwise.
# docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
_PRINCIPAL = re.compile(r"(AIDA[A-Z0-9]+|[0-9]{12}|AROA[A-Z0-9]+(?=:))(?::(.*))?", re.DOTALL)


def find_caller(request_context: dict[str, Any], *, by_session: bool = False, sam_local: bool = False) -> str | None:
    """The verified caller: `cognito:<user pool>|<sub>`, `jwt:<issuer>|<user>`, `cognito-identity:<id>`,
    `iam:<unique id>`; None for nobody.

    by_session: of a role it is `iam:<unique id>:<session name>`.

    No caller has a slash, since what follows the first one in an owner is a subspace that the caller has named itself.
    """
    identity: dict[str, Any] = request_context.get("identity") or {}
    if caller := _parse_authorized_caller(request_context):
        return as_owner(caller["owner"])
    if claims := find_claims(request_context):
        return as_owner(find_user_of_pool(claims))
    if identity_id := identity.get("cognitoIdentityId"):
        # All guests of an identity pool share one role: the role's id would make them one owner.
        return as_owner(f"cognito-identity:{identity_id}")
    if principal := identity.get("user") or identity.get("caller"):
        return as_owner(_find_principal(principal, by_session=by_session))
    return SAM_LOCAL_OWNER if sam_local else None


def find_claims(request_context: dict[str, Any]) -> dict[str, Any]:
    """Of the caller's verified token; empty where there is none."""
    authorizer: dict[str, Any] = request_context.get("authorizer") or {}
    caller = _parse_authorized_caller(request_context)
    return caller["claims"] if caller else authorizer.get("claims") or {}


def dump_authorized_caller(owner: str, claims: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"owner": owner, "claims": claims}).encode()).decode()


def _parse_authorized_caller(request_context: dict[str, Any]) -> dict[str, Any] | None:
    authorizer: dict[str, Any] = request_context.get("authorizer") or {}
    given = authorizer.get(AUTHORIZED_CALLER)
    return json.loads(base64.urlsafe_b64decode(given)) if given else None


def as_owner(caller: str | None) -> str | None:
    """None for what cannot be an owner's name, as nobody was verified then."""
    try:
        return None if caller is None or "/" in caller else identifiers.checked("owner", caller)
    except InvalidIdentifierError:
        return None


def find_user_of_pool(claims: dict[str, Any]) -> str | None:
    """`cognito:<user pool>|<sub>`."""
    pool, subject = urlsplit(str(claims.get("iss", ""))).path.strip("/"), claims.get("sub")
    return f"cognito:{pool}|{subject}" if pool and subject else None


def _find_principal(principal: str, *, by_session: bool) -> str | None:
    match = _PRINCIPAL.fullmatch(principal)
    if match is None or (match[1].isdigit() and match[1] != principal):  # 123456789012:name is a federated user
        return None
    if by_session and match[1].startswith("AROA"):
        return f"iam:{match[1]}:{match[2]}" if match[2] else None
    return f"iam:{match[1]}"
