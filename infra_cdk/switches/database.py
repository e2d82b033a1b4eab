"""The database: how large, how well guarded, and from what it is made."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

ENGINE_VERSION = "17.7"
Capacity = Annotated[float, Field(ge=0, le=256, multiple_of=0.5)]


class DatabaseSwitches(BaseModel):
    proxy: bool = True
    minimum_capacity: Capacity | None = None
    maximum_capacity: Annotated[Capacity, Field(ge=1)] = 4
    # Name or ARN. It stays for good: without it CloudFormation would make an empty cluster in the place of this one.
    snapshot: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9:-]{0,255}$")] | None = None
    ephemeral: bool = False
    # Off during a first deployment, so that CloudFormation can take back what it made when that fails.
    deletion_protection: bool = True

    @property
    def minimum_acu(self) -> float:
        default = 0.5 if self.proxy else 0.0
        return default if self.minimum_capacity is None else self.minimum_capacity

    @property
    def pauses(self) -> bool:
        return self.minimum_acu == 0

    @property
    def is_protected(self) -> bool:
        return self.deletion_protection and not self.ephemeral

    @model_validator(mode="after")
    def _refuse_impossible_capacity(self) -> Self:
        if self.proxy and self.pauses:
            raise ValueError("minimum_capacity=0 needs proxy=false, because an attached RDS Proxy keeps Aurora awake")
        if self.minimum_acu > self.maximum_capacity:
            raise ValueError("minimum_capacity must not be above maximum_capacity")
        return self
