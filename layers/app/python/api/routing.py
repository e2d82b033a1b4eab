"""Which operation a path is meant for, where no gateway has decided it."""

from collections.abc import Iterable, Mapping

from api.operation import Operation


def find_operation(
    operations: Iterable[Operation], method: str, path: str
) -> tuple[Operation | None, Mapping[str, str]]:
    """The operation, and its path's parameters, percent-encoded as `path` is. A literal goes before a parameter."""
    matches = [
        (operation, parameters)
        for operation in operations
        if operation.method == method and (parameters := _match(operation.path, path)) is not None
    ]
    return min(matches, key=lambda match: len(match[1])) if matches else (None, {})


def _match(template: str, path: str) -> Mapping[str, str] | None:
    names, segments = template.split("/"), path.split("/")
    if len(names) != len(segments):
        return None
    parameters: dict[str, str] = {}
    for name, segment in zip(names, segments, strict=True):
        if name.startswith("{") and segment:
            parameters[name[1:-1]] = segment
        elif name != segment:
            return None
    return parameters
