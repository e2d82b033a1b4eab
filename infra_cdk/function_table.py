"""functions/functions.toml, typed. The local gateway reads the same file."""

import tomllib
from typing import Literal

from pydantic import BaseModel, ConfigDict

from infra_cdk import ROOT

FUNCTIONS_FOLDER = ROOT / "functions"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Function(_Row):
    timeout_seconds: int
    memory_mb: int
    database: Literal["app", "migrator"]
    agent: bool = False
    streaming: bool = False


class Route(_Row):
    method: Literal["GET", "POST", "PUT", "DELETE", "ANY"]
    path: str
    function: str
    access: Literal["owner", "public"]
    authorization: Literal["iam", "cognito"] | None = None
    listener: Literal["api", "backend"] = "api"


class FunctionTable(_Row):
    functions: dict[str, Function]
    routes: list[Route]

    def deployed_routes(self, authorization: Literal["iam", "cognito"]) -> list[Route]:
        return [
            route for route in self.routes if route.listener == "api" and route.authorization in (None, authorization)
        ]


def read_function_table() -> FunctionTable:
    return FunctionTable.model_validate(tomllib.loads((FUNCTIONS_FOLDER / "functions.toml").read_text()))
