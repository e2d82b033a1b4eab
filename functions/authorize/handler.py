"""API Gateway's authorizer, where callers have tokens of an issuer of one's own; it reads no database."""

from api.edges.token_authorizer import build_authorizer

handler = build_authorizer()
