"""Which route leads to which function: the API's catalog has the routes, and `functions.toml` assigns them."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "layers"


@dataclass(frozen=True)
class Function:
    name: str
    timeout_seconds: float
    memory_mb: int
    streaming: bool
    asynchronous: bool = False


@dataclass(frozen=True)
class Route:
    """`path` as API Gateway writes resources: `/sessions/{session_id}`, greedy `/api/v1/{proxy+}`."""

    method: str
    path: str
    function: Function
    needs_owner: bool
    backend_only: bool


@dataclass(frozen=True)
class Table:
    routes: Sequence[Route]

    def deployed(self) -> list[Route]:
        """The routes of the API."""
        return [route for route in self.routes if not route.backend_only]

    def backend(self) -> list[Route]:
        """The routes of the session backend's own listener: its REST contract and its health."""
        return [route for route in self.routes if route.backend_only or route.path.startswith("/api/v1/")]


def load_table(path: Path, layers: Path = LAYERS) -> Table:
    """Read `functions.toml`. A file beside functions of one's own may have `[[routes]]` that no catalog knows.

    Raises `KeyError` for an operation or a function that does not exist, what reading the file raises, and
    `subprocess.CalledProcessError` where the catalog cannot be imported.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    functions = {
        name: Function(
            name,
            row["timeout_seconds"],
            row["memory_mb"],
            row.get("streaming", False),
            row.get("asynchronous", False),
        )
        for name, row in document["functions"].items()
    }
    assigned = {
        operation_id: functions[name]
        for name, row in document["functions"].items()
        for operation_id in row.get("operations", [])
    }
    return Table([*_routes_of_operations(assigned, layers), *_own_routes(document.get("routes", []), functions)])


def _routes_of_operations(functions: Mapping[str, Function], layers: Path) -> list[Route]:
    if not functions:
        return []
    rows = {row["operation_id"]: row for row in _read_catalog(layers)}
    return [
        Route(
            method=row["method"],
            path=row["path"],
            function=function,
            needs_owner=row["access"] == "owner",
            backend_only=row["deployment"] == "local_session_backend",
        )
        for row, function in ((rows[operation_id], function) for operation_id, function in functions.items())
    ]


def _read_catalog(layers: Path) -> list[dict[str, str]]:
    """Rows as `api.catalog.Route` has them. In a process of its own, so that changed code is read again."""
    environment = {**os.environ, "PYTHONPATH": str(layers / "app" / "python")}
    command = [sys.executable, "-m", "api.catalog"]
    return json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)


def _own_routes(rows: Sequence[dict[str, str]], functions: Mapping[str, Function]) -> list[Route]:
    return [
        Route(
            method=row["method"],
            path=row["path"],
            function=functions[row["function"]],
            needs_owner=row["access"] == "owner",
            backend_only=row.get("listener") == "backend",
        )
        for row in rows
    ]
