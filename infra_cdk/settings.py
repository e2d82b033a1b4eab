"""A deployment's settings: `cdk deploy -c proxy=false -c ephemeral=true`, or the context in cdk.json."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from infra_cdk.stages import read_stage
from infra_cdk.switches.callers import CallerSwitches
from infra_cdk.switches.database import DatabaseSwitches
from infra_cdk.switches.edge import EdgeSwitches
from infra_cdk.switches.model import PROVIDER_KEY_VARIABLES, ModelSwitches
from infra_cdk.switches.network import NetworkSwitches
from infra_cdk.switches.place import REGIONS_WITHOUT_PROXY, PlaceSwitches
from infra_cdk.switches.release import REGIONS_WITHOUT_SNAP_START, ReleaseSwitches
from infra_cdk.switches.service import ServiceSwitches
from infra_cdk.switches.telemetry import TelemetrySwitches


class SettingsError(ValueError):
    """A context value is unknown or invalid; the message is one sentence that names it."""


class Settings(
    TelemetrySwitches,
    ReleaseSwitches,
    PlaceSwitches,
    CallerSwitches,
    EdgeSwitches,
    ServiceSwitches,
    ModelSwitches,
    NetworkSwitches,
    DatabaseSwitches,
):
    model_config = ConfigDict(extra="forbid", frozen=True)

    # x86_64 is for wheels that exist only for it, and for running containers on an x86 machine.
    architecture: Literal["arm64", "x86_64"] = "arm64"
    # 0 reserves nothing: a new account's limit may be 10, and Lambda keeps 100 of it unreserved.
    function_concurrency: Annotated[int, Field(ge=0, le=10_000)] | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Self:
        """Raises `SettingsError`. CDK's own keys, which all contain a colon or a slash, are ignored."""
        ours = {key: value for key, value in context.items() if not {":", "/"} & set(key)}
        try:
            stage = read_stage(str(ours["stage"])) if "stage" in ours else dict[str, object]()
            return cls.model_validate({**stage, **ours})
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None
        except ValueError as error:
            raise SettingsError(f"Impossible context: {error}.") from None

    @property
    def reserved_concurrency(self) -> int | None:
        """Per function; None reserves nothing. Without a proxy every environment holds a database connection."""
        default = 0 if self.proxy else 20
        return (default if self.function_concurrency is None else self.function_concurrency) or None

    @model_validator(mode="after")
    def _refuse_what_is_out_of_reach(self) -> Self:
        if self.proxy and self.region in REGIONS_WITHOUT_PROXY:
            raise ValueError(f"region={self.region} has no RDS Proxy: it needs proxy=false")
        if self.snap_start and self.region in REGIONS_WITHOUT_SNAP_START:
            raise ValueError(f"region={self.region} has no SnapStart: it needs snap_start=false")
        if self.otlp_endpoint and not self.nat:
            raise ValueError("otlp_endpoint is on the internet and needs nat=true")
        if self.model_provider in PROVIDER_KEY_VARIABLES and not self.nat:
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
