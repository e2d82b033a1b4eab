"""The OpenAPI document as one HTML page: no script, no font, nothing from anywhere else."""

import base64
import hashlib
import json
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --edge: #8884; --soft: #8881; --accent: #0a7a5a; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 58rem; margin: 0 auto; padding: 2rem 1.25rem 6rem; }
h1 { margin-bottom: .25rem; } h2 { font-size: 1.1rem; margin: 2.75rem 0 .5rem; }
a { color: var(--accent); } code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--edge); border-radius: .5rem; padding: .75rem; overflow-x: auto; }
nav ul { list-style: none; padding: 0; } nav li { margin: .15rem 0; }
.method { display: inline-block; min-width: 4rem; font: 600 .8rem ui-monospace, monospace; color: var(--accent); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .95rem; }
h2 code { font-size: 1.05rem; } td:first-child { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--edge); }
section { border-top: 1px solid var(--edge); } summary { cursor: pointer; margin: .5rem 0; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(document: dict[str, Any]) -> str:
    """The whole document in HTML."""
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])}</h1>{_prose(info['description'])}"
        f'<p>Machine-readable: <a href="openapi.json">openapi.json</a> (OpenAPI {document["openapi"]})</p>'
        f"<nav><ul>{''.join(_link(*operation) for operation in operations)}</ul></nav>"
        f"{''.join(_section(*operation) for operation in operations)}"
        f"{_schemas(document['components']['schemas'])}</body></html>"
    )


def _link(method: str, path: str, operation: dict[str, Any]) -> str:
    target, summary = escape(operation["operationId"]), escape(operation["summary"])
    return (
        f'<li><span class="method">{method}</span> <a href="#{target}"><code>{escape(path)}</code></a> {summary}</li>'
    )


def _section(method: str, path: str, operation: dict[str, Any]) -> str:
    return (
        f'<section id="{escape(operation["operationId"])}">'
        f'<h2><span class="method">{method}</span> <code>{escape(path)}</code></h2>'
        f"<p>{_inline(operation['summary'])}. {_inline(operation.get('description', ''))}</p>"
        f"{_parameters(operation.get('parameters', []))}{_body(operation.get('requestBody'))}"
        f"{_responses(operation['responses'])}</section>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{parameter['in']}</td>"
        f"<td>{_inline(parameter['description'])} {_rule(parameter['schema'])}</td></tr>"
        for parameter in parameters
    )
    return f"<table><tr><th>Parameter</th><th>in</th><th></th></tr>{rows}</table>" if rows else ""


def _rule(schema: dict[str, Any]) -> str:
    words = {"default": "default", "minimum": "at least", "maximum": "at most", "maxLength": "characters at most"}
    rules = [f"{word} <code>{escape(str(schema[key]))}</code>" for key, word in words.items() if key in schema]
    rules += [f"one of <code>{escape(', '.join(schema['enum']))}</code>"] if "enum" in schema else []
    return f"({', '.join(rules)})" if rules else ""


def _body(body: dict[str, Any] | None) -> str:
    if body is None:
        return ""
    examples = body["content"]["application/json"]["examples"].items()
    return "".join(f"<p>Body, {escape(name)}:</p>{_code(example['value'])}" for name, example in examples)


def _responses(responses: dict[str, Any]) -> str:
    good = "".join(_example(answer) for status, answer in responses.items() if status < "300")
    rows = "".join(
        f"<tr><td>{status}</td><td>{_inline(answer['description'])}</td></tr>" for status, answer in responses.items()
    )
    return f"{good}<table><tr><th>Status</th><th></th></tr>{rows}</table>"


def _example(answer: dict[str, Any]) -> str:
    contents = answer.get("content", {}).items()
    return "".join(
        f"<p>Answer, <code>{escape(media_type)}</code>:</p>{_code(content['example'])}"
        for media_type, content in contents
        if "example" in content
    )


def _schemas(schemas: dict[str, Any]) -> str:
    shown = "".join(
        f"<details><summary><code>{escape(name)}</code> {_inline(schema.get('description', ''))}</summary>"
        f"{_code(schema)}</details>"
        for name, schema in schemas.items()
    )
    return f'<section id="schemas"><h2>Schemas</h2>{shown}</section>'


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text.rstrip())}</pre>"


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.strip().split("\n\n"))


def _inline(text: str) -> str:
    """Escaped, with `code` between backticks."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
