"""Turns a conversation into a text that a model of 135 million parameters can continue.

The model is too small for a chat template with a system prompt and tool schemas: with one it recalls a name in 3 of 20
tries. Given the conversation after a few example conversations, it does what the examples do. The question decides
which examples it sees.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.model.wire import ChatMessage, ToolCall

CONTEXT_TOKENS: Final = 2560
MAX_REPLY_TOKENS: Final = 128
# A token is at least one byte of UTF-8, so a transcript of this size always fits beside the examples and the reply.
MAX_TRANSCRIPT_BYTES: Final = 1600
TOOL: Final = "calculator"
CALL_START: Final = f"CALL {TOOL}("

_OPENING: Final = "A user talks to a helpful assistant. The assistant remembers what the user said earlier.\n\n"
_EXAMPLES: Final = {path.stem: path.read_text() for path in (Path(__file__).parent / "examples").glob("*.txt")}
_ABOUT_A_NAME: Final = re.compile(r"\b(name|i am|i'm|am i|call me|remember me)\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_RESULT: Final = re.compile(r"[-+.e0-9]+")
_SUM: Final = re.compile(r"\d\s*([-+*/x×÷]|plus|minus|times|multiplied by|divided by)\s*\d", re.IGNORECASE)


@dataclass(frozen=True)
class Prompt:
    """`is_chat`: about neither names nor numbers, so nothing has to be repeated exactly."""

    text: str
    grammar: str | None
    is_chat: bool


def build_prompt(messages: Sequence[ChatMessage], tool_names: Iterable[str]) -> Prompt:
    """The text to complete, ending in "Assistant:", and the grammar (GBNF) that the completion must follow.

    Contains only the newest turns of a long conversation.
    """
    question = next((_text(message) for message in reversed(messages) if message.role == "user"), "")
    transcript = _keep_newest([line for message in messages for line in _lines(message)])
    is_chat = not (_NUMBER.search(question) or _ABOUT_A_NAME.search(question))
    examples = "".join(f"{_EXAMPLES[name]}\n" for name in (["chat"] if is_chat else ["calculator", "names"]))
    text = _OPENING + examples + "".join(f"{line}\n" for line in transcript) + "Assistant:"
    grammar = None
    if messages[-1].role == "tool":
        grammar = _answer_grammar(question, _text(messages[-1]))
    elif TOOL in tool_names and _SUM.search(question):
        grammar = _call_grammar(question)
    return Prompt(text, grammar, is_chat)


def _lines(message: ChatMessage) -> list[str]:
    text = _text(message)
    if message.role == "user":
        return [f"User: {text}"]
    if message.role == "tool":
        return [f"Result: {text}"]
    if message.role != "assistant":
        return []
    calls = [f"Assistant: CALL {call.function.name}({_expression(call)})" for call in message.tool_calls or []]
    return ([f"Assistant: {text}"] if text else []) + calls


def _expression(call: ToolCall) -> str:
    return re.sub(r'^\{"expression": "|"\}$', "", call.function.arguments)


def _text(message: ChatMessage) -> str:
    content = message.content or ""
    parts = [content] if isinstance(content, str) else [part.text for part in content]
    return " ".join(" ".join(parts).split())


def _keep_newest(lines: list[str]) -> list[str]:
    """The newest lines that fit, beginning with a line of the user's; of a single line that is too long, its end."""
    kept: list[str] = []
    space = MAX_TRANSCRIPT_BYTES
    for line in reversed(lines):
        space -= len(line.encode()) + 1
        if space < 0:
            break
        kept.insert(0, line)
    while kept and not kept[0].startswith("User:"):
        kept.pop(0)
    return kept or [f"User: {_end_of(lines[-1]) if lines else 'Hello'}"]


def _end_of(line: str) -> str:
    return line.encode()[10 - MAX_TRANSCRIPT_BYTES :].decode(errors="ignore")


def _call_grammar(question: str) -> str:
    """A call with the numbers that the user wrote; their order and the operators are the model's choice."""
    numbers = _NUMBER.findall(question)
    call = f'" {CALL_START}" num (" " [-+*/] " " num){{1,{len(numbers) - 1}}} ")\\n"'
    return f"root ::= {call}\nnum ::= {_alternatives(numbers)}\n"


def _answer_grammar(question: str, result: str) -> str | None:
    """One sentence that may repeat the user's numbers in order and ends with the tool's result."""
    if not _RESULT.fullmatch(result):
        return None
    repeated = " words ".join(f'"{number}"' for number in _NUMBER.findall(question))
    return f'root ::= " " (words {repeated})? words "{result}" ".\\n"\nwords ::= [^0-9.\\n]{{0,40}}\n'


def _alternatives(numbers: list[str]) -> str:
    return " | ".join(f'"{number}"' for number in dict.fromkeys(numbers))
