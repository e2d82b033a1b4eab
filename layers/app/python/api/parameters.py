"""The kinds of parameters, and those that several operations take."""

from typing import TypeVar
from urllib.parse import unquote

from api.errors import InvalidRequestError
from api.operation import Parameter
from api.settings import Settings
from session_store import identifiers

Option = TypeVar("Option", bound=str)

IDENTIFIER = {
    "type": "string",
    "minLength": 1,
    "maxLength": identifiers.MAXIMUM_LENGTH,
    "format": "printable-text",
}


def path_identifier(name: str, description: str) -> Parameter[str]:
    return Parameter(name, "path", description, IDENTIFIER, lambda text, _: parse_identifier(name, text))


def query_identifier(name: str, description: str) -> Parameter[str | None]:
    return Parameter(
        name,
        "query",
        description,
        IDENTIFIER,
        lambda text, _: None if text is None else identifiers.checked(name, text),
    )


def header_identifier(name: str, description: str) -> Parameter[str | None]:
    return Parameter(
        name,
        "header",
        description,
        IDENTIFIER,
        lambda text, _: None if text is None else identifiers.checked(name, text),
    )


def query_text(name: str, description: str) -> Parameter[str | None]:
    return Parameter(name, "query", description, {"type": "string", "minLength": 1}, lambda text, _: _text(name, text))


def query_choice(name: str, description: str, options: tuple[Option, ...]) -> Parameter[Option]:
    """One of `options`, by default the first."""
    schema = {"type": "string", "enum": list(options), "default": options[0]}
    return Parameter(name, "query", description, schema, lambda text, _: _choice(name, text, options))


def query_members(prefix: str, description: str) -> Parameter[None]:
    """Any parameter whose name begins with `prefix`; `Call.query_members` has them."""
    return Parameter(f"{prefix}*", "query", description, IDENTIFIER, _read_elsewhere)


def parse_identifier(name: str, text: str | None) -> str:
    """From its percent-encoded form in a path. Raises `InvalidIdentifierError`."""
    return identifiers.checked(name, unquote(text or "", errors="surrogateescape"))


def parse_whole_number(name: str, text: str, minimum: int, maximum: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(maximum)) and minimum <= int(text) <= maximum:
        return int(text)
    raise InvalidRequestError([(name, f"must be a whole number from {minimum} to {maximum}")])


def _read_elsewhere(_text: str | None, _settings: Settings) -> None: ...


def _text(name: str, text: str | None) -> str | None:
    if text == "":
        raise InvalidRequestError([(name, "must not be empty")])
    return text


def _choice(name: str, text: str | None, options: tuple[Option, ...]) -> Option:
    for option in options:
        if option == (options[0] if text is None else text):
            return option
    raise InvalidRequestError([(name, f"must be {' or '.join(options)}")])


def _limit(text: str | None, settings: Settings) -> int:
    return settings.page_size if text is None else parse_whole_number("limit", text, 1, settings.max_page_size)


SESSION_ID = path_identifier("session_id", "The session, percent-encoded.")
RUN_ID = path_identifier("run_id", "The run, as an answer named it.")
LIMIT = Parameter(
    "limit",
    "query",
    "How many the page has at most.",
    {"type": "integer", "minimum": 1, "maximum": Settings.max_page_size, "default": Settings.page_size},
    _limit,
)
CURSOR = query_text("cursor", "Where the page begins: `next_cursor` of the one before.")

END_USER = header_identifier(
    "End-User",
    "For services under IAM alone: on behalf of whom they ask. Sessions, runs and keys are that user's then, within the"
    " service's own.",
)
