"""How a new version of the functions starts, and how it takes over."""

from pydantic import BaseModel

# docs.aws.amazon.com/lambda/latest/dg/snapstart.html, "Supported Regions"
REGIONS_WITHOUT_SNAP_START = frozenset({"ap-east-2", "ap-southeast-6"})


class ReleaseSwitches(BaseModel):
    # A tenth of the requests for a quarter of an hour, then all; back by itself when an alarm goes off.
    canary: bool = False
    # New processes start from a snapshot of a started one. It is billed by the hour and by the start.
    snap_start: bool = False

    @property
    def publishes_versions(self) -> bool:
        return self.canary or self.snap_start
