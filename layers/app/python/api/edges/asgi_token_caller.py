"""Who calls, by a token that an issuer signed (RFC 7519, RFC 9068, OpenID Connect)."""

import json
import threading
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import jwt

from api.edges.api_gateway_caller import as_owner, find_user_of_pool
from api.edges.asgi_caller import NOBODY, Caller, Headers
from api.errors import IssuerUnavailableError

# Of signatures by a private key alone: one by a shared secret could be made with the published key.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
KEY_LIFETIME_SECONDS = 300
LEEWAY_SECONDS = 30
FETCH_SECONDS = 5
REFETCH_SECONDS = 10


class TokenCaller:
    """The subject of a bearer token that `issuer` made for `audience`; the claim `owner_claim` names the user.

    key_url: of the issuer's keys; without one OpenID Connect's discovery document says it, at the first token. Keys are
    kept for 5 minutes, and read again for a token that names another one; at most every `refetch_seconds`, since such a
    token costs its sender nothing.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        owner_claim: str = "sub",
        key_url: str | None = None,
        refetch_seconds: float = REFETCH_SECONDS,
    ) -> None:
        self._issuer, self._audience, self._owner_claim, self._key_url = issuer, audience, owner_claim, key_url
        self._refetch_seconds = refetch_seconds
        self._keys: jwt.PyJWKClient | None = None
        self._discovery = threading.Lock()

    def __call__(self, headers: Headers) -> Caller:
        """Raises `IssuerUnavailableError`."""
        values = headers.get("authorization", ())
        scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            return NOBODY
        try:
            claims = self._verify(token.strip())
        except jwt.PyJWTError as error:
            if isinstance(error, jwt.PyJWKClientConnectionError):
                raise IssuerUnavailableError from error
            return NOBODY
        return Caller(as_owner(self._name(claims)), claims)

    def _verify(self, token: str) -> dict[str, Any]:
        """Raises `jwt.PyJWTError`, `IssuerUnavailableError`."""
        try:
            key = self._key_client().get_signing_key_from_jwt(token)
        except (OSError, ValueError) as error:  # what answers there is no set of keys
            raise IssuerUnavailableError from error
        return jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", self._owner_claim]},
        )

    def _key_client(self) -> jwt.PyJWKClient:
        with self._discovery:
            if self._keys is None:
                url = self._key_url or self._discover()
                self._keys = jwt.PyJWKClient(
                    url,
                    lifespan=KEY_LIFETIME_SECONDS,
                    timeout=FETCH_SECONDS,
                    cooldown_duration=self._refetch_seconds,
                )
            return self._keys

    def _discover(self) -> str:
        """Raises `OSError`, `ValueError`."""
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        with urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310 - its scheme was checked with the settings
            document = json.load(answer)
        try:
            return str(document["jwks_uri"])
        except (KeyError, TypeError) as error:
            raise ValueError("the discovery document names no keys") from error

    def _name(self, claims: dict[str, Any]) -> str | None:
        """A Cognito user's as behind API Gateway, so that both ways lead to the same sessions."""
        issuer = urlsplit(self._issuer)
        if (issuer.hostname or "").startswith("cognito-idp.") and self._owner_claim == "sub":
            return find_user_of_pool(claims)
        user = claims[self._owner_claim]
        place = quote(f"{issuer.netloc}{issuer.path}".rstrip("/"), safe=":")  # no owner has a slash
        return f"jwt:{place}|{user}" if isinstance(user, str) and user else None
