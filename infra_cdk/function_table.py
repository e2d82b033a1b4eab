"""functions/functions.toml, typed, and the routes of the operations that it assigns. The local gateway reads it too."""

import tomllib
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from api.catalog import ROUTES, Route
from infra_cdk import ROOT

FUNCTIONS_FOLDER = ROOT / "functions"


class Function(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_seconds: int
    memory_mb: int
    database: Literal["app", "migrator"]
    agent: bool = False
    streaming: bool = False
    asynchronous: bool = False
    operations: tuple[str, ...] = ()

    @property
    def is_released(self) -> bool:
        """By versions, where these are asked for. Lambda's queue has its settings for a function itself alone."""
        return bool(self.operations) and not self.asynchronous


class FunctionRoute(NamedTuple):
    route: Route
    function: str


class FunctionTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    functions: dict[str, Function]

    def routes(self) -> list[FunctionRoute]:
        """Raises `KeyError` for an operation that does not exist."""
        by_id = {route.operation_id: route for route in ROUTES}
        return [
            FunctionRoute(by_id[operation_id], name)
            for name, function in self.functions.items()
            for operation_id in function.operations
        ]

    def deployed_routes(self, *, has_console: bool) -> list[FunctionRoute]:
        deployments = ("every", "console") if has_console else ("every",)
        return [each for each in self.routes() if each.route.deployment in deployments]


def read_function_table() -> FunctionTable:
    return FunctionTable.model_validate(tomllib.loads((FUNCTIONS_FOLDER / "functions.toml").read_text()))
