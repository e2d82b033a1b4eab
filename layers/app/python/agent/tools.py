"""The tools that the agent may call. Replace them with your own: whatever is in `TOOLS` is offered to the model.

A tool's docstring is what the model reads. A `ValueError` goes back to the model as the tool's result, to act on.
"""

import ast
import operator
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from strands import ToolContext, tool
from strands.types.tools import AgentTool

MAX_EXPRESSION_CHARACTERS: Final = 200  # bounds the depth of the parsed tree too
MAX_INTEGER_BITS: Final = 4096
MAX_NOTES: Final = 100
MAX_NOTE_CHARACTERS: Final = 1000

Number = int | float


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and (base.bit_length() - 1) * exponent > MAX_INTEGER_BITS:
        raise OverflowError
    return base**exponent


_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def _bounded(value: object) -> Number:
    """The value of one step, refused when it is no real number or too large to carry on with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a real number")
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise OverflowError
    if value in (float("inf"), float("-inf")):
        raise OverflowError
    return value


def _evaluate(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=value):
            return _bounded(value)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_evaluate(left), _evaluate(right)))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _bounded(_UNARY[type(op)](_evaluate(operand)))
        case ast.Call():
            raise ValueError("write every multiplication with *, as in 2 * (3 + 4)")
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not arithmetic")


def _parse(expression: str) -> ast.expr:
    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        raise ValueError(f"the expression is longer than {MAX_EXPRESSION_CHARACTERS} characters; compute it in parts")
    if stranger := re.search(r"[^0-9.eE+\-*/%() ]", expression):
        raise ValueError(
            f"only numbers, parentheses and the operators + - * / // % ** are understood, not {stranger[0]!r}"
        )
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} is not a complete expression; an example is (2 + 3) * 4") from None


@tool
def calculator(expression: str) -> str:
    """Compute an arithmetic expression. Use it for every calculation, however small.

    Args:
        expression: Numbers, parentheses and the operators + - * / // % ** (power), for example "(58 - 13) * 2".
            Write every multiplication with *. No units, words, thousands separators or variables.
    """
    try:
        result = _evaluate(_parse(expression))
    except ZeroDivisionError:
        raise ValueError("division by zero has no result") from None
    except OverflowError:
        raise ValueError("the result is too large to compute") from None
    return str(result) if isinstance(result, int) else f"{result:.15g}"


@tool
def current_time(timezone: str = "UTC") -> str:
    """Tell the current date, weekday and time in a time zone.

    Args:
        timezone: An IANA time zone name such as "Europe/Berlin" or "America/New_York". "UTC" when nothing is known.
    """
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder such as "America"
        raise ValueError(f"{timezone!r} is not a time zone name; one looks like 'Europe/Berlin'") from None
    now = datetime.now(zone)
    return f"{now:%A}, {now.isoformat(timespec='seconds')}"


_notes_lock = threading.Lock()  # the tools of one message run at the same time, and each note must be kept


@tool(context=True)
def remember_note(note: str, tool_context: ToolContext) -> str:
    """Keep a note about this person or this conversation. It is still there in later sittings.

    Args:
        note: One fact in one sentence that makes sense by itself, for example "Alice is allergic to nuts."
    """
    if not note.strip() or len(note) > MAX_NOTE_CHARACTERS:
        raise ValueError(f"a note has between 1 and {MAX_NOTE_CHARACTERS} characters")
    state = tool_context.agent.state
    with _notes_lock:
        notes: list[str] = state.get("notes") or []
        if len(notes) >= MAX_NOTES:
            raise ValueError(f"all {MAX_NOTES} notes are taken; nothing was kept")
        state.set("notes", [*notes, note.strip()])
        return f"Kept as note {len(notes) + 1}."


@tool(context=True)
def list_notes(tool_context: ToolContext) -> str:
    """List every note kept in this conversation so far, oldest first."""
    notes: list[str] = tool_context.agent.state.get("notes") or []
    return "\n".join(f"{number}. {note}" for number, note in enumerate(notes, start=1)) or "No notes yet."


TOOLS: Final[list[AgentTool]] = [calculator, current_time, remember_note, list_notes]
