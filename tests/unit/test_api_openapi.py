"""The committed document, the code, the table of routes and the table of errors say the same."""

import re
import sys
import tomllib
from pathlib import Path

from api import openapi
from api.operations import OPERATIONS
from api.problems import PROBLEMS, code_of
from api.process_request import NOT_BLANK
from api.reference_page import CONTENT_SECURITY_POLICY, page

ROOT = Path(__file__).resolve().parents[2]
# Roots of the tree, which nothing raises by itself.
ROOTS = {"not_found", "conflict", "route_not_found"}
OF_THE_SESSION_BACKEND = {"already_exists", "message_not_found", "message_order", "multi_agent_not_found"}


def test_the_committed_document_is_what_the_code_makes() -> None:
    assert openapi.FILE.read_text() == openapi.text(), "python -m api.openapi writes it anew"


def test_it_calls_blank_what_the_code_calls_blank() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        assert bool(re.search(NOT_BLANK, character)) == bool(character.strip()), hex(ord(character))


def test_it_has_every_route_that_is_deployed_and_no_other() -> None:
    routes = tomllib.loads((ROOT / "functions/functions.toml").read_text())["routes"]
    deployed = {
        (route["method"], route["path"], route["access"] == "owner")
        for route in routes
        if "authorization" not in route  # the console's are a page's, for people
        and route.get("listener") != "backend"
        and not route["path"].startswith("/api/v1/")
    }
    assert {(operation.method, operation.path, operation.owned) for operation in OPERATIONS} == deployed


def test_it_names_every_error_of_the_table_but_the_services_own_faults() -> None:
    documented = set(openapi.document()["components"]["examples"])
    table = {code_of(kind) for kind, problem in PROBLEMS.items() if problem.status != 500}
    assert documented == table - ROOTS - OF_THE_SESSION_BACKEND


def test_the_written_reference_names_every_route_and_every_code() -> None:
    written = (ROOT / "docs/api.md").read_text()
    codes = set(map(code_of, PROBLEMS)) - ROOTS - OF_THE_SESSION_BACKEND
    assert [operation.path for operation in OPERATIONS if operation.path not in written] == []
    assert [code for code in sorted(codes) if f"`{code}`" not in written] == []


def test_the_page_shows_every_operation_and_needs_nothing_from_elsewhere() -> None:
    shown = page(openapi.document())
    for operation in OPERATIONS:
        assert f'id="{operation.operation_id}"' in shown
    assert "<script" not in shown
    assert "http://" not in shown + CONTENT_SECURITY_POLICY
    assert "https://" not in shown + CONTENT_SECURITY_POLICY


def test_the_page_escapes_what_the_document_says() -> None:
    document = openapi.document()
    document["info"]["title"] = "<img src=x onerror=alert(1)>"
    assert "<img" not in page(document)
