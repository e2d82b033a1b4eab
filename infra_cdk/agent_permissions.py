"""agent/permissions.toml, typed: what the agent's tools may use beside the model and the database."""

import tomllib
from pathlib import Path
from typing import Annotated

from aws_cdk import aws_iam as iam
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra_cdk import ROOT
from infra_cdk.settings import SettingsError

FILE = ROOT / "layers/app/python/agent/permissions.toml"
GATEWAY_SERVICES = frozenset({"dynamodb", "s3"})
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Service = Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Statement(_Row):
    actions: Annotated[list[str], Field(min_length=1)]
    resources: Annotated[list[str], Field(min_length=1)]


class AgentPermissions(_Row):
    """`secrets`: variable and the name of the secret in Secrets Manager that it names; the functions may read these."""

    statements: list[Statement] = []
    variables: dict[Variable, str] = {}
    secrets: dict[Variable, str] = {}
    endpoints: list[Service] = []

    def make_statements(self) -> list[iam.PolicyStatement]:
        return [iam.PolicyStatement(actions=s.actions, resources=s.resources) for s in self.statements]

    @property
    def interface_endpoints(self) -> list[str]:
        return [service for service in self.endpoints if service not in GATEWAY_SERVICES]

    @property
    def gateway_endpoints(self) -> list[str]:
        return [service for service in self.endpoints if service in GATEWAY_SERVICES]


def read_agent_permissions(file: Path = FILE) -> AgentPermissions:
    """Raises `SettingsError` with the place of the fault."""
    try:
        return AgentPermissions.model_validate(tomllib.loads(file.read_text()) if file.exists() else {})
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file.name}: {_explain(error)}.") from None


def _explain(error: ValidationError | tomllib.TOMLDecodeError) -> str:
    if isinstance(error, tomllib.TOMLDecodeError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'][0].lower()}{first['msg'][1:]}"
