"""Bodies of requests that the OpenAPI document describes, and that are read without pydantic."""

from collections.abc import Mapping
from typing import Any, ClassVar

from api.parameters import IDENTIFIER
from session_store.identifiers import MAXIMUM_NUMBER
from session_store.session_patch import MAXIMUM_TITLE_LENGTH


class _Schema:
    """A type for pydantic whose schema is given."""

    properties: ClassVar[Mapping[str, Mapping[str, Any]]]

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core.core_schema import any_schema

        return any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        members = {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in cls.properties.items()}
        return {"type": "object", "properties": members, "additionalProperties": False}


class SessionChanges(_Schema):
    properties: ClassVar = {
        "title": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_TITLE_LENGTH, "format": "printable-text"},
        "metadata": {"type": "object", "additionalProperties": True},
    }


class ForkChoice(_Schema):
    properties: ClassVar = {
        "session_id": {**IDENTIFIER, "not": {"enum": [".", ".."]}},
        "message_id": {"type": "integer", "minimum": 0, "maximum": MAXIMUM_NUMBER},
        "agent_id": IDENTIFIER,
    }
