"""The console's files put together: a page with its styles, and its modules as one script.

What the browser would fetch in twenty requests comes in two. There is no build: the files are read as they are, and
again when one of them has changed.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import NamedTuple

FOLDER = Path(__file__).parent / "page"
_IMPORT = re.compile(r'^import (?:(\w+)|\{([^}]*)\}) from "\./([^"]+)";$', re.MULTILINE)
_EXPORTED = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
# With it a vendored module ends.
_EXPORT_LIST = re.compile(r"\bexport\s*\{([^}]*)\};?\s*(?://.*\s*)?\Z")


class Assembly(NamedTuple):
    """page: with `$settings` and `$theme` to fill in. version: of the script. style_hash: for the security policy."""

    page: Template
    script: str
    version: str
    style_hash: str


def assemble() -> Assembly:
    files = [path for path in FOLDER.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg")]
    return _assemble(max(path.stat().st_mtime_ns for path in files))


@lru_cache(maxsize=1)
def _assemble(_changed: int) -> Assembly:
    style = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.css")))
    icon = b64encode((FOLDER / "icon.svg").read_bytes()).decode()
    script = join_modules("main.js")
    version = hashlib.sha256(script.encode()).hexdigest()[:16]
    parts = {"style": style, "icon": f"data:image/svg+xml;base64,{icon}", "version": version}
    page = Template((FOLDER / "index.html").read_text(encoding="utf-8")).safe_substitute(parts)
    return Assembly(Template(page), script, version, b64encode(hashlib.sha256(style.encode()).digest()).decode())


def join_modules(main: str) -> str:
    """Each module in a function of its own, after those that it imports."""
    return "const modules = {};\n" + "".join(map(_wrap, _in_order(main, [])))


def _in_order(name: str, seen: list[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.append(name)
    for match in _IMPORT.finditer(_read(name)):
        yield from _in_order(match[3], seen)
    yield name


def _wrap(name: str) -> str:
    text = _IMPORT.sub(_read_from_module, _read(name))
    listed = _EXPORT_LIST.search(text)
    exported = [
        *_EXPORTED.findall(text),
        *(re.sub(r"(\S+) as (\S+)", r"\2: \1", each.strip()) for each in (listed[1].split(",") if listed else ())),
    ]
    text = _EXPORTED.sub("", _EXPORT_LIST.sub("", text))
    return f'modules["{name}"] = (() => {{\n{text}\nreturn {{ {", ".join(exported)} }};\n}})();\n'


def _read_from_module(match: re.Match[str]) -> str:
    names = f"{{ default: {match[1]} }}" if match[1] else f"{{{match[2].replace(' as ', ': ')}}}"
    return f'const {names} = modules["{match[3]}"];'


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
