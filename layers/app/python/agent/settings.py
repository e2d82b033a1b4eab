"""Which model answers, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """See `models.build_model` for the values."""

    provider: str = "bedrock"
    model_id: str | None = None
    local_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            provider=environment.get("MODEL_PROVIDER") or "bedrock",
            model_id=environment.get("MODEL_ID") or None,
            local_url=environment.get("LOCAL_MODEL_URL") or None,
        )
