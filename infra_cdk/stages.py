"""stages.toml: the switches of each stage, by name (`make deploy STAGE=prod`)."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from infra_cdk import ROOT

FILE = ROOT / "stages.toml"


def read_stage(name: str, file: Path = FILE) -> Mapping[str, object]:
    """Raises `ValueError` for a stage that is not in the file."""
    stages = tomllib.loads(file.read_text())
    if name not in stages:
        raise ValueError(f"stage={name} is not in {file.name}, which has {', '.join(stages)}")
    return stages[name]
