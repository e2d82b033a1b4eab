"""The OpenAPI 3.1 document, made from `operations` and committed: `python -m api.openapi` writes it anew.

Functions serve the committed file, so none of this costs a cold start.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from api import problems
from api.answers import BinaryContent, ProblemDetails
from api.errors import UnauthenticatedError
from api.operation import Link, Operation, Parameter
from api.operations import OPERATIONS, PROMPTS
from api.process_request import ProcessRequest
from api.settings import Settings
from session_store.errors import RunInProgressError, SessionBusyError, StoreUnavailableError

FILE = Path(__file__).with_name("openapi.json")

_REFERENCE = "#/components/schemas/{model}"
_OWNED_ERRORS = (UnauthenticatedError, StoreUnavailableError)
_WAITING_HELPS = (SessionBusyError, RunInProgressError, StoreUnavailableError)
_INTRODUCTION = """\
A Strands agent whose conversations live in PostgreSQL: they survive restarts, and nobody sees anybody else's.

Who calls is what API Gateway has verified (IAM, or a Cognito user pool); sessions belong to that caller alone, and
another's session, run or cursor is a 404. Errors are `application/problem+json` (RFC 9457) with a `code` that stays
the same and the `request_id` that the logs have; the gateway itself may answer 401, 403, 413, 429, 502 or 504.

Limits, unless the service is set up with others: a prompt of {max_prompt_characters:,} characters, a body of
{max_body_bytes:,} bytes, JSON nested {max_json_depth} levels deep, {max_page_size} items a page.
"""


def document() -> dict[str, Any]:
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    defaults = {name: getattr(Settings, name) for name in Settings.__dataclass_fields__ if name.startswith("max_")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Agent sessions", "version": "1.0.0", "description": _INTRODUCTION.format(**defaults)},
        "paths": paths,
        "components": {"schemas": components, "examples": _examples()},
    }


def text() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """For each type a reference to its schema, and all schemas by name."""
    types = {operation.answer for operation in OPERATIONS if isinstance(operation.answer, type)}
    inputs: list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]] = [
        (ProcessRequest, "validation", TypeAdapter(ProcessRequest))
    ]
    for kind in sorted(types | {ProblemDetails, BinaryContent}, key=lambda kind: kind.__name__):
        inputs.append((kind, "serialization", TypeAdapter(kind)))
    references, rest = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
    components = rest["$defs"]
    prompt = components["ProcessRequest"]["properties"]["prompt"]["oneOf"][0]
    prompt["maxLength"] = Settings.max_prompt_characters
    return {kind: reference for (kind, _), reference in references.items()}, components


def _operation(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {"operationId": operation.operation_id, "summary": operation.summary}
    if operation.description:
        parts["description"] = operation.description
    if operation.parameters:
        parts["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body:
        examples = {name: {"value": value} for name, value in PROMPTS.items()}
        content = {"application/json": {"schema": schemas[operation.body], "examples": examples}}
        parts["requestBody"] = {"required": True, "content": content}
    errors = [*operation.errors, *(_OWNED_ERRORS if operation.owned else ())]
    parts["responses"] = {str(operation.status): _answer(operation, schemas), **_problems(errors, schemas)}
    return parts


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _answer(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": problems.title_of(operation.status)}
    if operation.headers:
        answer["headers"] = {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in operation.headers.items()
        }
    if isinstance(operation.answer, type):
        answer["content"] = {"application/json": {"schema": schemas[operation.answer], "example": operation.example}}
    elif operation.answer:
        schema: dict[str, Any] = {"type": "object" if operation.answer == "application/json" else "string"}
        example = {} if operation.example is None else {"example": operation.example}
        answer["content"] = {operation.answer: {"schema": schema, **example}}
    if operation.links:
        answer["links"] = {link.operation_id: _link(link) for link in operation.links}
    return answer


def _link(link: Link) -> dict[str, Any]:
    return {"operationId": link.operation_id, "parameters": {link.parameter: f"$response.body#{link.pointer}"}}


def _problems(kinds: Iterable[type[Exception]], schemas: dict[Any, Any]) -> dict[str, Any]:
    by_status: dict[int, list[type[Exception]]] = {}
    for kind in kinds:
        by_status.setdefault(problems.PROBLEMS[kind].status, []).append(kind)
    return {str(int(status)): _problem(status, by_status[status], schemas) for status in sorted(by_status)}


def _problem(status: int, kinds: list[type[Exception]], schemas: dict[Any, Any]) -> dict[str, Any]:
    codes = [problems.code_of(kind) for kind in kinds]
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    content = {"schema": schemas[ProblemDetails], "examples": examples}
    answer: dict[str, Any] = {
        "description": f"{problems.title_of(status)}: {', '.join(f'`{code}`' for code in codes)}",
        "content": {problems.MEDIA_TYPE: content},
    }
    if any(kind in _WAITING_HELPS for kind in kinds):
        schema = {"type": "integer", "minimum": 1}
        answer["headers"] = {"Retry-After": {"description": "Seconds after which to try again.", "schema": schema}}
    return answer


def _examples() -> dict[str, Any]:
    """One for each code of the table that a caller may meet."""
    kinds = {kind for operation in OPERATIONS for kind in (*operation.errors, *_OWNED_ERRORS)}
    found = {(problems.PROBLEMS[kind].status, problems.code_of(kind)) for kind in kinds}
    return {code: {"value": _example(status, code)} for status, code in sorted(found)}


def _example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": problems.title_of(status),
        "status": int(status),
        "code": code,
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }


if __name__ == "__main__":
    FILE.write_text(text())
    sys.stdout.write(f"wrote {FILE}\n")
