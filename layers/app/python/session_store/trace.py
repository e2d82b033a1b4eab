"""What a run did, and when: names and figures, never words of a prompt or an answer. Public."""

import json
import math
import threading
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast, get_args

from .document import Document
from .encoding import decode
from .errors import InvalidInputError

MAXIMUM_BYTES = 16_000
MAXIMUM_NAME_CHARACTERS = 100
_ENCODER = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` makes one for each call
Kind = Literal["restore", "model", "tool", "node", "flush", "commit"]


class Span(NamedTuple):
    """One thing that a run did, in milliseconds since its begin was sent.

    name: the model's id, the tool's name, or the node's, with a node's own nodes behind a slash. node: of a Graph or a
    Swarm, in which it was done. end_ms: None where it had not ended when the run did; of the commit, which is written
    before it ends, always. status: a model's stop reason, a tool's status, `error` for what raised.
    """

    kind: Kind
    name: str
    node: str | None
    start_ms: float
    end_ms: float | None = None
    status: str | None = None
    first_token_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class StoredTrace(NamedTuple):
    """Spans by their start. omitted: how many are missing in their middle, since a run had more than is kept."""

    spans: list[Span]
    omitted: int = 0


class Trace:
    """Gathers the spans of one run, of whichever thread. What is open already is not opened twice."""

    def __init__(self) -> None:
        self._began = 0.0
        self._lock = threading.Lock()
        self._spans: list[list[Any]] = []  # the values of a `Span`, as far as they are known
        self._open: dict[Hashable, list[Any]] = {}

    def start(self, key: Hashable, kind: Kind, name: str, node: str | None = None) -> None:
        with self._lock:
            if not self._spans:
                self._began = time.monotonic()
            if key not in self._open:
                self._open[key] = span = [kind, _short(name), node and _short(node), self._now()]
                self._spans.append(span)

    def end(
        self,
        key: Hashable,
        status: str | None = None,
        *,
        waited_ms: float | None = None,
        input_tokens: Any = None,
        output_tokens: Any = None,
    ) -> None:
        """waited_ms: from its start to a model's first token. Tokens are as the model gave them: what is no number is
        not kept.
        """
        with self._lock:
            span = self._open.pop(key, None)
            if span is None:
                return
            first_token_ms = None if waited_ms is None else round(span[3] + waited_ms, 1)
            counts = [count if _is_whole(count) else None for count in (input_tokens, output_tokens)]
            span += [self._now(), status and _short(status), first_token_ms, *counts]

    @contextmanager
    def timed(self, kind: Kind) -> Generator[None]:
        """A span around the block, which no other thread enters meanwhile."""
        self.start(kind, kind, kind)
        try:
            yield
        except BaseException:
            self.end(kind, "error")
            raise
        self.end(kind)

    def dump(self) -> str:
        """JSON text of at most `MAXIMUM_BYTES`: a list for each span, without the figures that it lacks at its end."""
        with self._lock:
            rows = [_ENCODER.encode(_trimmed(span)) for span in self._spans]
        kept = _without_middle(rows, MAXIMUM_BYTES - 100)
        return f'{{"spans":[{",".join(kept)}],"omitted":{len(rows) - len(kept)}}}'

    def _now(self) -> float:
        return round((time.monotonic() - self._began) * 1000, 1)


def parse_trace(text: str) -> StoredTrace:
    """Raises `ValueError` for what is no trace."""
    stored = decode(text)
    if not isinstance(stored, dict):
        raise ValueError("must be an object")
    members = cast(dict[str, Any], stored)
    spans, omitted = members.get("spans"), members.get("omitted", 0)
    if not isinstance(spans, list) or not _is_whole(omitted) or members.keys() - StoredTrace._fields:
        raise ValueError("must have a list of spans, and how many were omitted")
    return StoredTrace([_parse_span(row) for row in cast(list[Any], spans)], omitted)


def checked_trace(document: Document, name: str) -> str:
    """A document's member, unchanged. Raises `InvalidInputError`."""
    text = document.object(name)
    try:
        parse_trace(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(name, str(error)) from error
    if len(text.encode()) > MAXIMUM_BYTES:
        raise InvalidInputError(name, f"must have at most {MAXIMUM_BYTES} bytes")
    return text


def _parse_span(row: Any) -> Span:
    values = cast(list[Any], row) if isinstance(row, list) else []
    is_span = _REQUIRED <= len(values) <= len(_CHECKS)
    if not is_span or not all(check(value) for check, value in zip(_CHECKS, values, strict=False)):
        raise ValueError("must have spans of a kind, a name, a node, a start in milliseconds, …")
    return Span(*values)


def _is_moment(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_kind(value: Any) -> bool:
    return _is_text(value) and value in get_args(Kind)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_missing_or(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


# Of a span's fields, in their order.
_CHECKS: tuple[Callable[[Any], bool], ...] = (
    _is_kind,
    _is_text,
    _is_missing_or(_is_text),
    _is_moment,
    _is_missing_or(_is_moment),
    _is_missing_or(_is_text),
    _is_missing_or(_is_moment),
    _is_missing_or(_is_whole),
    _is_missing_or(_is_whole),
)
_REQUIRED = len(Span._fields) - len(Span._field_defaults)


def _short(name: object) -> str:
    """Names come from models and hooks too: anything, of any length. Nobody has a use for half of a surrogate pair."""
    short = str(name)[:MAXIMUM_NAME_CHARACTERS]
    return short if short.isascii() else short.encode(errors="replace").decode()


def _trimmed(span: list[Any]) -> list[Any]:
    values = span.copy()
    while values[-1] is None:
        values.pop()
    return values


def _without_middle(rows: list[str], maximum_bytes: int) -> list[str]:
    """The first and the last rows, as many as fit into half of the room each."""
    if sum(len(row) + 1 for row in rows) <= maximum_bytes:
        return rows
    first = _fitting(rows, maximum_bytes // 2)
    last = _fitting(rows[::-1], maximum_bytes // 2)
    return [*first, *last[::-1]]


def _fitting(rows: list[str], maximum_bytes: int) -> list[str]:
    kept, size = 0, 0
    while size + len(rows[kept]) + 1 <= maximum_bytes:
        size += len(rows[kept]) + 1
        kept += 1
    return rows[:kept]
