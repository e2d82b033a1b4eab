"""What makes an RDS Proxy pin a client to one database connection, by AWS's documentation.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
"""

import re

from tests.reliability.wire import Trace

_STATEMENT_TEXT_LIMIT_BYTES = 16 * 1024
_COMMANDS = re.compile(
    r"^\s*(SET|RESET|SHOW|PREPARE|EXECUTE|DEALLOCATE|DISCARD|LISTEN|UNLISTEN|NOTIFY|LOCK|LOAD|DECLARE|FETCH|BEGIN|START)\b",
    re.I,
)
SOURCE_MARKS = re.compile(
    r"\b(set_config|nextval|setval|currval|lastval|pg_(try_)?advisory_lock(_shared)?|TEMP|TEMPORARY|LISTEN"
    r"|PREPARE|DEALLOCATE|DISCARD|WITH\s+HOLD|SET\s+(LOCAL|SESSION))\b",
    re.I,
)


def pinning_parts(trace: Trace) -> list[str]:
    """Everything in the trace that pins, or that a proxy refuses, each in a few words."""
    found = [f"start-up options {startup['options']!r}" for startup in trace.startups if startup.get("options")]
    found += [f"named Parse {name!r}" for name, _ in trace.parses if name]
    found += [f"Bind to a named portal or statement {body[:40]!r}" for body in _binds(trace) if body[:2] != b"\0\0"]
    found += [f"Close {body!r}" for kind, body in trace.sent if kind == "C"]
    found += ["CancelRequest"] * trace.cancel_requests
    for text in trace.statements:
        if len(text.encode()) > _STATEMENT_TEXT_LIMIT_BYTES:
            found.append(f"{len(text)} characters of statement text")
        if _COMMANDS.search(text) or SOURCE_MARKS.search(text):
            found.append(f"statement {text[:80]!r}")
    return found


def _binds(trace: Trace) -> list[bytes]:
    return [body for kind, body in trace.sent if kind == "B"]
