"""The catalog of operations, and what is made of it: the committed document, the reference page, who serves what."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from api import catalog, openapi
from api.backend.catalog import OPERATIONS
from api.errors import RequestError
from api.operation import Operation
from api.operations.service import OPENAPI_FILE
from api.problems import find_code, find_problem
from api.process_request import NOT_BLANK
from api.reference_page import CONTENT_SECURITY_POLICY, page
from session_store.errors import SessionStoreError

ROOT = Path(__file__).resolve().parents[2]
# Roots of the tree, which nothing raises by itself.
ROOTS = {"not_found", "conflict", "route_not_found"}
OF_A_SERVER = {"server_busy", "service_stopping", "issuer_unavailable"}
OF_THE_SESSION_BACKEND = {"message_order", "message_redacted", "multi_agent_not_found"}


def test_the_committed_document_is_what_the_code_makes() -> None:
    assert OPENAPI_FILE.read_text() == openapi.text(), "make openapi writes it"


def test_it_calls_blank_what_the_code_calls_blank() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        assert bool(re.search(NOT_BLANK, character)) == bool(character.strip()), hex(ord(character))


def test_each_operation_has_one_function_that_serves_it() -> None:
    functions = tomllib.loads((ROOT / "functions/functions.toml").read_text())["functions"].values()
    served = [operation_id for function in functions for operation_id in function.get("operations", [])]
    assert sorted(served) == sorted(route.operation_id for route in catalog.ROUTES)


def test_routes_and_operation_ids_are_unique() -> None:
    assert len({route.operation_id for route in catalog.ROUTES}) == len(catalog.ROUTES)
    for operations in ((*catalog.API, *catalog.CONSOLE), OPERATIONS):
        assert len({(operation.method, operation.path) for operation in operations}) == len(operations)
        assert len({operation.operation_id for operation in operations}) == len(operations)


@pytest.mark.parametrize("operation", [*catalog.API, *catalog.CONSOLE, *OPERATIONS], ids=attrgetter("operation_id"))
def test_an_operation_takes_each_parameter_of_its_path(operation: Operation) -> None:
    in_path = {parameter.name for parameter in operation.parameters if parameter.place == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", operation.path))


def test_gateways_read_the_catalog_without_an_agent_or_a_database() -> None:
    code = "import sys, api.catalog; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"strands", "boto3", "agent", "psycopg", "aws_lambda_powertools"}.isdisjoint(loaded)


def test_it_describes_what_every_deployment_serves_but_the_session_backend() -> None:
    paths = openapi.document()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    served = {(route.method, route.path) for route in catalog.ROUTES if route.deployment == "every"}
    assert described == served - {("ANY", "/api/v1/{proxy+}")}


def test_it_asks_for_a_verified_caller_wherever_sessions_are_touched() -> None:
    paths = openapi.document()["paths"]
    open_to_all = {path for path, methods in paths.items() for method in methods.values() if not method["security"]}
    assert open_to_all == {"/health", "/health/live", "/openapi.json", "/docs"}


def test_it_keeps_the_rules_that_redocly_recommends() -> None:
    document = openapi.document()
    assert {"license", "title", "version"} <= document["info"].keys()
    assert all(not server["url"].endswith("/") or server["url"] == "/" for server in document["servers"])
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        assert operation["summary"]
        assert {status[0] for status in operation["responses"]} >= {"2", "4"}
        assert {name for each in operation["security"] for name in each} <= document["components"][
            "securitySchemes"
        ].keys()
    text = json.dumps(document)
    json.loads(text, object_hook=refuse_an_empty_choice)
    for kind in ("schemas", "examples"):
        assert [name for name in document["components"][kind] if f'"#/components/{kind}/{name}"' not in text] == []


def refuse_an_empty_choice(schema: dict[str, Any]) -> dict[str, Any]:
    for name in ("anyOf", "oneOf", "allOf"):
        assert {} not in schema.get(name, [])
    return schema


def callers_codes() -> set[str]:
    """Of all errors that are not the service's own fault."""
    kinds = {kind for root in (RequestError, SessionStoreError) for kind in subclasses(root)}
    return {find_code(kind) for kind in kinds if find_problem(kind).status != 500}


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


def test_it_names_every_error_but_the_services_own_faults() -> None:
    documented = set(openapi.document()["components"]["examples"])
    assert documented == callers_codes() - ROOTS - OF_THE_SESSION_BACKEND - OF_A_SERVER


def test_the_written_reference_names_every_route_and_every_code() -> None:
    written = (ROOT / "docs/api.md").read_text()
    codes = {*callers_codes(), "internal_error", "misconfigured", "unstorable_value"} - ROOTS - OF_THE_SESSION_BACKEND
    assert [operation.path for operation in catalog.API if operation.path not in written] == []
    assert [code for code in sorted(codes) if f"`{code}`" not in written] == []


def test_the_page_shows_every_operation_and_needs_nothing_from_elsewhere() -> None:
    shown = page(openapi.document())
    for operation in catalog.API:
        assert f'id="{operation.operation_id}"' in shown
    assert "<script" not in shown
    assert "://" not in CONTENT_SECURITY_POLICY
    assert "://" not in shown.replace("&quot;https://uploads.s3.", "")  # in an example, as text


def test_the_page_escapes_what_the_document_says() -> None:
    document = openapi.document()
    document["info"]["title"] = "<img src=x onerror=alert(1)>"
    assert "<img" not in page(document)
