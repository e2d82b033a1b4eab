"""The OpenAPI 3.1 document, made from the catalog of operations and committed: `make openapi` writes it.

Functions serve the committed file, so none of this costs a cold start.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import WithDefaultSchema

from api import catalog, problems
from api.answers import ProblemDetails
from api.errors import EndUserRefusedError, InvalidRequestError, UnauthenticatedError, UploadsUnavailableError
from api.operation import Body, Link, Operation, Parameter
from api.operations.service import OPENAPI_FILE
from api.parameters import END_USER
from api.settings import Settings
from session_store.errors import (
    BudgetExhaustedError,
    ModelThrottledError,
    RunInProgressError,
    SessionBusyError,
    StoreUnavailableError,
)

_REFERENCE = "#/components/schemas/{model}"
_OWNED_ERRORS = (UnauthenticatedError, InvalidRequestError, StoreUnavailableError)
_WAITING_HELPS = (
    SessionBusyError,
    RunInProgressError,
    ModelThrottledError,
    StoreUnavailableError,
    UploadsUnavailableError,
)
_RETRY_AFTER = {
    "description": "Seconds after which to try again. For a busy session a short guess: its run may end at any moment.",
    "schema": {"type": "integer", "minimum": 1},
}
_INTRODUCTION = """\
A Strands agent whose conversations live in PostgreSQL: they survive restarts, and no caller sees another's.

The caller is the one that API Gateway has verified (IAM, a Cognito user pool, or an issuer of tokens); sessions belong
to that caller alone, and another caller's session, run or cursor is a 404. Errors are `application/problem+json`
(RFC 9457) with a `code` that stays the same and the `request_id` that the logs have; the gateway itself may answer 401,
403, 413, 429, 502 or 504.

Limits, unless the service is set up with others: a prompt of {max_prompt_characters:,} characters, a body of
{max_body_bytes:,} bytes, JSON nested {max_json_depth} levels deep, {max_page_size} items a page.
"""

_TEXT_SCHEMAS: dict[str, dict[str, Any]] = {
    "application/json": {"type": "object"},
    "application/octet-stream": {"type": "string", "format": "binary"},
}
_INFO = {
    "title": "Agent sessions",
    "version": "1.0.0",
    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
}
_SERVERS = [{"url": "/", "description": "This service"}]
_SECURITY_SCHEMES = {
    "iam": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4 for the service `execute-api`, where callers are principals of IAM.",
    },
    "cognito": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The user's id token, where callers are users of a Cognito pool.",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the issuer that the service is set up with.",
    },
}


class _Schemas(GenerateJsonSchema):
    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        """Without the default, which is mostly null, and makes generators of clients take an optional member for one
        that is always there.
        """
        return self.generate_inner(schema["schema"])


def document() -> dict[str, Any]:
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in catalog.API:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    defaults = {name: getattr(Settings, name) for name in Settings.__dataclass_fields__ if name.startswith("max_")}
    return {
        "openapi": "3.1.0",
        "info": {**_INFO, "description": _INTRODUCTION.format(**defaults)},
        "servers": _SERVERS,
        "paths": paths,
        "components": {"schemas": components, "examples": _examples(), "securitySchemes": _SECURITY_SCHEMES},
    }


def text() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """For each type a reference to its schema, and all schemas by name."""
    bodies = {operation.body.type for operation in catalog.API if operation.body}
    answers = {operation.answer for operation in catalog.API if isinstance(operation.answer, type)}
    inputs = [*_adapters(bodies, "validation"), *_adapters(answers | {ProblemDetails}, "serialization")]
    references, rest = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE, schema_generator=_Schemas)
    return {kind: reference for (kind, _), reference in references.items()}, rest["$defs"]


def _adapters(kinds: set[type], mode: JsonSchemaMode) -> list[tuple[type, JsonSchemaMode, TypeAdapter[Any]]]:
    return [(kind, mode, TypeAdapter(kind)) for kind in sorted(kinds, key=lambda kind: kind.__name__)]


def _operation(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {"operationId": operation.operation_id, "summary": operation.summary}
    if operation.description:
        parts["description"] = operation.description
    if parameters := _parameters(operation):
        parts["parameters"] = [_parameter(parameter) for parameter in parameters]
    if operation.body:
        parts["requestBody"] = _body(operation.body, schemas)
    parts["responses"] = {
        str(operation.status): _answer(operation, schemas),
        **({"204": {"description": operation.no_content}} if operation.no_content else {}),
        **_problems(_possible_errors(operation), schemas),
        "429": _throttled(operation, schemas),
    }
    parts["security"] = [{name: []} for name in _SECURITY_SCHEMES] if operation.access == "owner" else []
    return parts


def _parameters(operation: Operation) -> list[Parameter[Any]]:
    return [*operation.parameters, *((END_USER,) if _has_end_user(operation) else ())]


def _has_end_user(operation: Operation) -> bool:
    return operation.access == "owner" and operation.subspace is None


def _possible_errors(operation: Operation) -> list[type[Exception]]:
    owned = _OWNED_ERRORS if operation.access == "owner" else ()
    return [*operation.errors, *owned, *((EndUserRefusedError,) if _has_end_user(operation) else ())]


def _body(body: Body, schemas: dict[Any, Any]) -> dict[str, Any]:
    examples = {name: {"value": value} for name, value in body.examples.items()}
    return {"required": True, "content": {"application/json": {"schema": schemas[body.type], "examples": examples}}}


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _answer(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": problems.title(operation.status)}
    if operation.headers:
        answer["headers"] = {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in operation.headers.items()
        }
    if isinstance(operation.answer, type):
        answer["content"] = {"application/json": {"schema": schemas[operation.answer], "example": operation.example}}
    elif operation.answer:
        schema = _TEXT_SCHEMAS.get(operation.answer, {"type": "string"})
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
        by_status.setdefault(problems.find_problem(kind).status, []).append(kind)
    return {str(int(status)): _problem(status, by_status[status], schemas) for status in sorted(by_status)}


def _problem(status: int, kinds: list[type[Exception]], schemas: dict[Any, Any]) -> dict[str, Any]:
    codes = [problems.find_code(kind) for kind in kinds]
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    content = {"schema": schemas[ProblemDetails], "examples": examples}
    answer: dict[str, Any] = {
        "description": f"{problems.title(status)}: {', '.join(f'`{code}`' for code in codes)}",
        "content": {problems.MEDIA_TYPE: content},
    }
    if any(kind in _WAITING_HELPS for kind in kinds):
        answer["headers"] = {"Retry-After": _RETRY_AFTER}
    return answer


def _throttled(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    """The gateway may answer any request so, and an operation that asks the agent by itself."""
    own = [BudgetExhaustedError.code] if BudgetExhaustedError in operation.errors else []
    examples = {"examples": {code: {"$ref": f"#/components/examples/{code}"} for code in own}} if own else {}
    return {
        "description": f"{problems.title(429)}: {', '.join(f'`{code}`' for code in ['too_many_requests', *own])}",
        "headers": {"Retry-After": _RETRY_AFTER},
        "content": {problems.MEDIA_TYPE: {"schema": schemas[ProblemDetails], **examples}},
    }


def _examples() -> dict[str, Any]:
    """One for each code that a caller may meet."""
    kinds = {kind for operation in catalog.API for kind in _possible_errors(operation)}
    found = {(problems.find_problem(kind).status, problems.find_code(kind)) for kind in kinds}
    return {code: {"value": _example(status, code)} for status, code in sorted(found)}


def _example(status: int, code: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": problems.title(status),
        "status": int(status),
        "code": code,
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }


if __name__ == "__main__":
    OPENAPI_FILE.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {OPENAPI_FILE}\n")
