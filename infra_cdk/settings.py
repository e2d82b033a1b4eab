"""A deployment's settings: `cdk deploy -c proxy=false -c ephemeral=true`, or the context in cdk.json."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

DEFAULT_BEDROCK_MODEL = "global.anthropic.claude-sonnet-4-6"
# The variable in which each provider's SDK looks for its API key.
PROVIDER_KEY_VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GOOGLE_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
}

Capacity = Annotated[float, Field(ge=0, le=256, multiple_of=0.5)]
Count = Annotated[int, Field(ge=1, le=10_000)]


class SettingsError(ValueError):
    """A context value is unknown or invalid; the message is one sentence that names it."""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    stack_name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$")] = "StrandsSessions"
    proxy: bool = True
    minimum_capacity: Capacity | None = None
    maximum_capacity: Annotated[Capacity, Field(ge=1)] = 4
    ephemeral: bool = False
    nat: bool = False
    # CloudFormation's own choice ignores which zones offer RDS Proxy, Lambda and the endpoint.
    availability_zones: Annotated[str, Field(pattern=r"^[a-z0-9-]+(,[a-z0-9-]+)+$")] | None = None
    # x86_64 is for wheels that exist only for it, and for running containers on an x86 machine.
    architecture: Literal["arm64", "x86_64"] = "arm64"
    authorization: Literal["iam", "cognito"] = "iam"
    model_provider: Literal["bedrock", "anthropic", "gemini", "mistral", "openai"] = "bedrock"
    # For Bedrock the id of a model or of a system-defined inference profile. No ARN: it does not reveal its models.
    model_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")] | None = None
    model_key_secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]{1,256}$")] | None = None
    # An OpenAI-compatible service to use in place of OpenAI.
    model_url: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:443)?(/[A-Za-z0-9/._-]*)?$")] | None = None
    session_ttl_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    # 0 reserves nothing: a new account's limit may be 10, and Lambda keeps 100 of it unreserved.
    function_concurrency: Annotated[int, Field(ge=0, le=10_000)] | None = None
    requests_per_second: Count = 50
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Self:
        """Raises `SettingsError`. CDK's own keys, which all contain a colon or a slash, are ignored."""
        ours = {key: value for key, value in context.items() if not {":", "/"} & set(key)}
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None

    @property
    def minimum_acu(self) -> float:
        default = 0.5 if self.proxy else 0.0
        return default if self.minimum_capacity is None else self.minimum_capacity

    @property
    def zones(self) -> list[str] | None:
        """None leaves the choice of two to CloudFormation."""
        return self.availability_zones.split(",") if self.availability_zones else None

    @property
    def pauses(self) -> bool:
        return self.minimum_acu == 0

    @property
    def reserved_concurrency(self) -> int | None:
        """Per function; None reserves nothing. Without a proxy every running environment holds a database connection."""
        default = 0 if self.proxy else 20
        return (default if self.function_concurrency is None else self.function_concurrency) or None

    @property
    def model(self) -> str:
        return self.model_id or DEFAULT_BEDROCK_MODEL

    @model_validator(mode="after")
    def _refuse_invalid_combinations(self) -> Self:
        if self.proxy and self.pauses:
            raise ValueError("minimum_capacity=0 needs proxy=false, because an attached RDS Proxy keeps Aurora awake")
        if self.minimum_acu > self.maximum_capacity:
            raise ValueError("minimum_capacity must not be above maximum_capacity")
        if self.zones and len(set(self.zones)) < len(self.zones):
            raise ValueError("availability_zones must name each zone once")
        return self._refuse_invalid_provider()

    def _refuse_invalid_provider(self) -> Self:
        if self.model_url and self.model_provider != "openai":
            raise ValueError("model_url is for model_provider=openai: it names a service of OpenAI's protocol")
        if self.model_provider == "bedrock":
            if self.model_key_secret:
                raise ValueError("model_key_secret is for other providers: model_provider=bedrock signs in with IAM")
            return self
        for name in ("model_id", "model_key_secret"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing, and model_provider={self.model_provider} needs it")
        if not self.nat:
            raise ValueError(f"model_provider={self.model_provider} is on the internet and needs nat=true")
        return self


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"][:1])
    if first["type"] == "extra_forbidden":
        return f"Context value {name!r} is unknown: known are {', '.join(Settings.model_fields)}."
    reason = first["msg"].removeprefix("Value error, ")
    if not name:
        return f"Impossible context: {reason}."
    return f"Context value {name}={first['input']!r} is impossible: {reason[0].lower()}{reason[1:]}."
