"""Where the functions and the database are: a network that the stack makes, or one that exists."""

from ipaddress import IPv4Network
from typing import Annotated, Self

from pydantic import BaseModel, Field, field_validator, model_validator

Zones = Annotated[str, Field(pattern=r"^[a-z0-9-]+(,[a-z0-9-]+)+$")]
Subnets = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})+$")]


class NetworkSwitches(BaseModel):
    nat: bool = False
    # CloudFormation's own choice ignores which zones offer RDS Proxy, Lambda and the endpoint.
    availability_zones: Zones | None = None
    cidr: str = "10.0.0.0/16"
    vpc_id: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]{8,17}$")] | None = None
    function_subnets: Subnets | None = None
    database_subnets: Subnets | None = None
    # None: where the functions reach S3 by what the stack makes. In a network that exists, nothing adds a route.
    uploads: bool | None = None

    @property
    def has_uploads(self) -> bool:
        return (self.vpc_id is None or self.nat) if self.uploads is None else self.uploads

    @property
    def zones(self) -> list[str] | None:
        """None leaves the choice of two to CloudFormation."""
        return self.availability_zones.split(",") if self.availability_zones else None

    @field_validator("cidr")
    @classmethod
    def _accept_block_with_room_for_every_subnet(cls, value: str) -> str:
        block = IPv4Network(value)
        if not (block.is_private and 16 <= block.prefixlen <= 20):
            raise ValueError("it must be a private block from /16 to /20")
        return value

    @model_validator(mode="after")
    def _refuse_two_networks(self) -> Self:
        if self.zones and len(set(self.zones)) < len(self.zones):
            raise ValueError("availability_zones must name each zone once")
        if self.vpc_id is None:
            if self.function_subnets or self.database_subnets:
                raise ValueError("function_subnets and database_subnets need vpc_id, which they are in")
            return self
        if not (self.function_subnets and self.database_subnets):
            raise ValueError("vpc_id needs function_subnets and database_subnets, at least two of each")
        if self.availability_zones or "cidr" in self.model_fields_set:
            raise ValueError("availability_zones and cidr are for a network that the stack makes, not for vpc_id")
        return self
