"""Writes docs/library.md: the public classes of `session_store`, from their signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import session_store

PAGE = Path(__file__).resolve().parents[2] / "docs/library.md"
_FIRST = ("PostgreSQLSessionRepository", "Run", "PostgreSQLStorage", "PostgreSQLMemoryStore", "StoreSettings")
_HEAD = """# The library, class by class

Made from the docstrings by `make reference`. How they work together is told in the
[package's README](../layers/app/python/session_store/README.md).
"""


def make_page() -> str:
    errors = [name for name in session_store.__all__ if name.endswith("Error")]
    classes = "".join(f"\n## {name}\n\n{_describe(getattr(session_store, name))}" for name in _FIRST)
    tree = inspect.getdoc(session_store.errors) or ""
    drawn = tree[tree.index("SessionStoreError") :]
    return (
        f"{_HEAD}{classes}\n## Errors\n\n```text\n{drawn}\n```\n\n"
        + "\n".join(_describe_error(name) for name in errors)
        + "\n"
    )


def _describe(described: type) -> str:
    parts = [_code(f"{described.__name__}{_signature(described)}"), inspect.getdoc(described) or ""]
    parts += [part for name, member in _members(described) for part in _describe_member(name, member)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _describe_member(name: str, member: Any) -> Iterator[str]:
    if isinstance(member, property):
        yield f"### {name}"
    else:
        function = member.__func__ if isinstance(member, classmethod) else member
        prefix = "async " if inspect.iscoroutinefunction(function) else ""
        yield f"### {name}"
        yield _code(f"{prefix}{name}{_signature(function)}")
    yield inspect.getdoc(member) or ""


def _describe_error(name: str) -> str:
    kind = getattr(session_store, name)
    doc = (inspect.getdoc(kind) if kind.__doc__ else "") or ""
    return f"- **{name}** (`{kind.code}`): {' '.join(doc.split())}" if doc else f"- **{name}** (`{kind.code}`)"


def _members(described: type) -> Iterator[tuple[str, Any]]:
    """Its own, and public."""
    for name, member in vars(described).items():
        if not name.startswith("_") and (callable(member) or isinstance(member, property | classmethod)):
            yield name, member


def _signature(described: Any) -> str:
    text = str(inspect.signature(described))
    return (
        re.sub(r"(?:session_store|strands|collections|typing)(?:\.\w+)*\.(?=\w)", "", text)
        .replace("(self, ", "(")
        .replace("(self)", "()")
    )


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
