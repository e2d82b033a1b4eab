"""Where the spans of turns go, beside X-Ray."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator


class TelemetrySwitches(BaseModel):
    # The base URL of a collector for OTLP over HTTP; `/v1/traces` is added, as OpenTelemetry specifies.
    otlp_endpoint: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:443)?(/[A-Za-z0-9/._-]*)?$")] | None = None
    # Name of the secret with the headers that the collector wants: `name=value,name=value`.
    otlp_headers_secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]{1,256}$")] | None = None

    @property
    def otlp_variables(self) -> dict[str, str]:
        """Of the functions with an agent."""
        given = {"OTLP_ENDPOINT": self.otlp_endpoint, "OTLP_HEADERS_SECRET": self.otlp_headers_secret}
        return {name: value for name, value in given.items() if value}

    @model_validator(mode="after")
    def _refuse_headers_for_nobody(self) -> Self:
        if self.otlp_headers_secret and not self.otlp_endpoint:
            raise ValueError("otlp_headers_secret needs otlp_endpoint, which gets the headers")
        return self
