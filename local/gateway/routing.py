"""Which route a request takes, by API Gateway's precedence: a literal segment, then a parameter, then a greedy one."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.gateway.table import Route


@dataclass(frozen=True)
class Match:
    route: Route
    path_parameters: dict[str, str]


def find_route(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """`path` is percent-encoded, so an encoded slash separates nothing; the parameters stay so, as in API Gateway."""
    matches = [
        (_precedence(route), Match(route, parameters))
        for route in routes
        if route.method in {method, "ANY"} and (parameters := _match(route.path, path)) is not None
    ]
    return min(matches, key=lambda ranked: ranked[0])[1] if matches else None


def _match(pattern: str, path: str) -> dict[str, str] | None:
    expected, actual = pattern.split("/"), path.split("/")
    greedy = expected[-1].endswith("+}")
    if greedy and len(actual) >= len(expected):
        actual = [*actual[: len(expected) - 1], "/".join(actual[len(expected) - 1 :])]
    if len(expected) != len(actual):
        return None
    parameters: dict[str, str] = {}
    for wanted, segment in zip(expected, actual, strict=True):
        if wanted.startswith("{") and segment:
            parameters[wanted.strip("{+}")] = segment
        elif wanted != segment:
            return None
    return parameters


def _precedence(route: Route) -> tuple[list[int], bool]:
    ranks = [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in route.path.split("/")]
    return ranks, route.method == "ANY"
