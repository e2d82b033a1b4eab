"""Which model answers, and how the functions sign in to its provider."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

DEFAULT_BEDROCK_MODEL = "global.anthropic.claude-sonnet-4-6"
# The variable in which each provider's SDK looks for its API key.
PROVIDER_KEY_VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GOOGLE_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
}


_PROFILE_ARN = r"arn:[a-z-]+:bedrock:[a-z0-9-]+:[0-9]{12}:application-inference-profile/[a-z0-9]+"
_MODEL_ID = rf"^({_PROFILE_ARN}|[A-Za-z0-9][A-Za-z0-9._:-]{{0,127}})$"
OwnModel = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


class ModelSwitches(BaseModel):
    # Or `package.module:factory`, which returns a model; what it needs is in agent/permissions.toml.
    model_provider: Literal["bedrock", "anthropic", "gemini", "mistral", "openai"] | OwnModel = "bedrock"
    # For Bedrock the id of a model or of a system-defined inference profile, or an application inference profile's ARN.
    model_id: Annotated[str, Field(pattern=_MODEL_ID)] | None = None
    # What an application inference profile was made from, which its ARN does not reveal.
    profile_source: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")] | None = None
    model_key_secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]{1,256}$")] | None = None
    # An OpenAI-compatible service to use in place of OpenAI.
    model_url: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:443)?(/[A-Za-z0-9/._-]*)?$")] | None = None

    @property
    def model(self) -> str:
        return self.model_id or DEFAULT_BEDROCK_MODEL

    @model_validator(mode="after")
    def _refuse_invalid_provider(self) -> Self:
        if self.model_url and self.model_provider != "openai":
            raise ValueError("model_url is for model_provider=openai: it names a service of OpenAI's protocol")
        if self.model.startswith("arn:") != (self.profile_source is not None):
            raise ValueError("profile_source goes with model_id=arn:…: the model or profile that it was made from")
        if self.model_provider not in PROVIDER_KEY_VARIABLES:
            if self.model_key_secret:
                raise ValueError(f"model_key_secret is for other providers: {self.model_provider} has no key")
            return self
        for name in ("model_id", "model_key_secret"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing, and model_provider={self.model_provider} needs it")
        return self
