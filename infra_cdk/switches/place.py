"""Where a stack goes, under which name and tags, and what guards it."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

# docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.Aurora_Fea_Regions_DB-eng.Feature.RDS_Proxy.html
REGIONS_WITHOUT_PROXY = frozenset({"ap-east-2", "ap-southeast-6"})


class PlaceSwitches(BaseModel):
    stage: str | None = None
    stack_name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$")] = "StrandsSessions"
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-[0-9]$")] | None = None
    tags: dict[str, str] = {}
    stack_policy: bool = False
    # It is one for all REST APIs of an account in a region, so it is made only where asked for.
    cloud_watch_role: bool = False

    @model_validator(mode="after")
    def _refuse_half_a_place(self) -> Self:
        if (self.account is None) != (self.region is None):
            raise ValueError("account and region are given together or not at all")
        return self
