"""What `PATCH /sessions/{session_id}` takes, for the OpenAPI document."""

from typing import Any

from session_store.session_patch import MAXIMUM_TITLE_LENGTH


class SessionChanges:
    """Its schema is given: the functions that serve it read it without pydantic."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core.core_schema import any_schema

        return any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        title = {"type": "string", "minLength": 1, "maxLength": MAXIMUM_TITLE_LENGTH, "format": "printable-text"}
        return {
            "type": "object",
            "properties": {
                "title": {"anyOf": [title, {"type": "null"}]},
                "metadata": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            },
            "additionalProperties": False,
        }
