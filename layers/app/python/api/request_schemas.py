"""Bodies of requests that the OpenAPI document describes, and that are read without pydantic."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from api.media_formats import FORMATS
from api.parameters import IDENTIFIER
from session_store.identifiers import MAXIMUM_NUMBER
from session_store.session_patch import MAXIMUM_TITLE_LENGTH


class _Schema:
    """A type for pydantic whose schema is given. Null stands for what is not required."""

    properties: ClassVar[Mapping[str, Mapping[str, Any]]]
    required: ClassVar[Collection[str]] = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core.core_schema import any_schema

        return any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        members = {
            name: schema if name in cls.required else {"anyOf": [schema, {"type": "null"}]}
            for name, schema in cls.properties.items()
        }
        required = {"required": sorted(cls.required)} if cls.required else {}
        return {"type": "object", "properties": members, **required, "additionalProperties": False}


class UploadDescription(_Schema):
    properties: ClassVar = {
        "format": {"type": "string", "enum": [*FORMATS]},
        "size_bytes": {"type": "integer", "minimum": 1},
    }
    required: ClassVar = ("format", "size_bytes")


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
