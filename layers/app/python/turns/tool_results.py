"""The result of a tool as text."""

import json
from collections.abc import Mapping
from typing import Any


def read_result(result: Mapping[str, Any]) -> str:
    """Of Strands' `toolResult`: what is neither text nor JSON stands there by its kind, in brackets."""
    return "\n".join(_readable(item) for item in result["content"])


def _readable(content: dict[str, Any]) -> str:
    if "text" in content:
        return content["text"]
    if "json" in content:
        return json.dumps(content["json"], ensure_ascii=False, default=str)
    return f"[{next(iter(content), 'empty')}]"
