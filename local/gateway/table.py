"""The one loader of `functions.toml`: which functions there are, and which route leads to which."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Function:
    name: str
    timeout_seconds: float
    memory_mb: int
    streaming: bool


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


def load_table(path: Path) -> Table:
    """Read `functions.toml`; `KeyError` if a route names an unknown function."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    functions = {
        name: Function(name, row["timeout_seconds"], row["memory_mb"], row.get("streaming", False))
        for name, row in document["functions"].items()
    }
    return Table(
        [
            Route(
                method=row["method"],
                path=row["path"],
                function=functions[row["function"]],
                needs_owner=row["access"] == "owner",
                backend_only=row.get("listener") == "backend",
            )
            for row in document["routes"]
        ]
    )
