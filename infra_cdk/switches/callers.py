"""Who may call: principals of this account, users of a user pool, or callers with tokens of another issuer."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

Authorization = Literal["iam", "cognito", "jwt"]


class CallerSwitches(BaseModel):
    authorization: Authorization = "iam"
    # An existing pool in place of the stack's own, with authorization=cognito.
    user_pool_id: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]_[A-Za-z0-9]+$")] | None = None
    # With authorization=jwt: what a token's `iss` and `aud` must be, and the claim that names its user.
    jwt_issuer: Annotated[str, Field(pattern=r"^https://[^\s?#]+$")] | None = None
    jwt_audience: Annotated[str, Field(min_length=1)] | None = None
    jwt_owner_claim: Annotated[str, Field(min_length=1)] = "sub"

    @property
    def has_console(self) -> bool:
        """Its sign-in page belongs to the stack's own pool."""
        return self.authorization == "cognito" and self.user_pool_id is None

    @model_validator(mode="after")
    def _refuse_half_an_issuer(self) -> Self:
        if self.user_pool_id and self.authorization != "cognito":
            raise ValueError("user_pool_id needs authorization=cognito")
        given = {"jwt_issuer", "jwt_audience"} & {name for name, value in self if value is not None}
        if self.authorization == "jwt" and len(given) < 2:
            raise ValueError("authorization=jwt needs jwt_issuer and jwt_audience")
        if self.authorization != "jwt" and (given or "jwt_owner_claim" in self.model_fields_set):
            raise ValueError("jwt_issuer, jwt_audience and jwt_owner_claim need authorization=jwt")
        return self
