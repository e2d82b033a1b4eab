"""API Gateway's Lambda authorizer for callers with tokens of an issuer of one's own.

docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

import os
from collections.abc import Mapping
from typing import Any

from api.edges.api_gateway_caller import AUTHORIZED_CALLER, dump_authorized_caller
from api.edges.asgi_caller import FindCaller
from api.edges.asgi_token_caller import TokenCaller
from api.server.settings import read_token
from session_store.errors import ConfigurationError

# The one word with which an authorizer has API Gateway answer 401.
UNAUTHORIZED = "Unauthorized"


class UnauthorizedError(Exception):
    def __init__(self) -> None:
        super().__init__(UNAUTHORIZED)


class TokenAuthorizer:
    """A Lambda handler that names the caller of a request by its token.

    Its answer is good for every route, since API Gateway keeps it for other requests with the same token. Raises
    `UnauthorizedError`, and `IssuerUnavailableError`, of which API Gateway makes a 500.
    """

    def __init__(self, find_caller: FindCaller) -> None:
        self._find_caller = find_caller

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        given: Mapping[str, list[str]] = event.get("multiValueHeaders") or {}
        caller = self._find_caller({name.lower(): values for name, values in given.items()})
        if caller.owner is None:
            raise UnauthorizedError
        api, stage, *_ = event["methodArn"].split("/")
        allow = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*"}
        return {
            "principalId": caller.owner,
            "policyDocument": {"Version": "2012-10-17", "Statement": [allow]},
            "context": {AUTHORIZED_CALLER: dump_authorized_caller(caller.owner, caller.claims)},
        }


def build_authorizer() -> TokenAuthorizer:
    """Of `JWT_ISSUER`, `JWT_AUDIENCE` and `JWT_OWNER_CLAIM`. Raises `ConfigurationError`."""
    settings = read_token(os.environ)
    if settings is None:
        raise ConfigurationError("JWT_ISSUER and JWT_AUDIENCE must be set")
    return TokenAuthorizer(TokenCaller(*settings))
