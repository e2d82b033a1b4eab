"""Which resources an update would replace or delete, by CloudFormation's own schemas (as cfn-lint carries them)."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.infra.template import Template, flat

REGION = "eu-central-1"


def lost(before: Template, after: Template) -> dict[str, str]:
    """Logical id and type of everything that is gone or made anew; a resource that names such a one counts too, where
    its own property cannot change."""
    old, new = before.resources, after.resources
    gone = {name for name in old if name not in new or old[name]["Type"] != new[name]["Type"]}
    while more := {name for name in set(old) - gone if _is_replaced(old[name], new[name], gone)}:
        gone |= more
    return {name: old[name]["Type"] for name in gone}


def _is_replaced(old: Mapping[str, Any], new: Mapping[str, Any], gone: set[str]) -> bool:
    for path in _create_only_properties(old["Type"]):
        before, after = _value(old, path), _value(new, path)
        if before != after or any(f'"{name}"' in flat(after) for name in gone):
            return True
    return False


def _value(resource: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: Any = resource.get("Properties", {})
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@cache
def _create_only_properties(resource_type: str) -> list[tuple[str, ...]]:
    if resource_type.startswith("Custom::"):
        return [("ServiceToken",)]
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    return [tuple(path.split("/")[2:]) for path in schema.get("createOnlyProperties", [])]
