"""What stands before the API: its own domain, a firewall; and the limits of rate and cost."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

Count = Annotated[int, Field(ge=1, le=10_000)]


class EdgeSwitches(BaseModel):
    requests_per_second: Count = 50
    domain_name: Annotated[str, Field(pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$")] | None = None
    # Of AWS Certificate Manager, in the stack's own region.
    certificate_arn: Annotated[str, Field(pattern=r"^arn:[a-z-]+:acm:[^:]+:[0-9]{12}:certificate/[\w-]+$")] | None = (
        None
    )
    # Names of the programs that call: each gets an API key, which counts and throttles and lets nobody in.
    api_keys: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64})*$")] | None = None
    key_requests_per_second: Count = 10
    key_requests_per_day: Annotated[int, Field(ge=1)] | None = None
    firewall: bool = False
    # Calls of one address in five minutes, with firewall=true.
    firewall_rate: Annotated[int, Field(ge=10, le=2_000_000)] = 2_000
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    # US dollars, of the whole account unless cost allocation tags are active.
    monthly_budget: Annotated[int, Field(ge=1)] | None = None

    @property
    def key_names(self) -> list[str]:
        return sorted(set(self.api_keys.split(","))) if self.api_keys else []

    @model_validator(mode="after")
    def _refuse_half_an_edge(self) -> Self:
        if (self.domain_name is None) != (self.certificate_arn is None):
            raise ValueError("domain_name and certificate_arn are given together or not at all")
        if self.monthly_budget and not self.alarm_email:
            raise ValueError("monthly_budget needs alarm_email, where its warning goes")
        limits = {"key_requests_per_second", "key_requests_per_day"} & self.model_fields_set
        if limits and not self.api_keys:
            raise ValueError(f"{min(limits)} needs api_keys: it is a limit of each key")
        if "firewall_rate" in self.model_fields_set and not self.firewall:
            raise ValueError("firewall_rate needs firewall=true")
        return self
