"""What the session backend's operations take beside their documents."""

from urllib.parse import unquote

from api.operation import Parameter
from api.operations.sessions import ORDERS, Order
from api.parameters import IDENTIFIER, parse_identifier, parse_whole_number, query_choice, query_text
from api.settings import Settings
from session_store import sending
from session_store.errors import MessageNotFoundError
from session_store.sending import Sending
from session_store.wire import ENCODED, MAXIMUM_PAGE_SIZE, parse_segment

_MAXIMUM_ID = 2**63 - 1
_MAXIMUM_PAGE = 10**9


def _path_identifier(name: str, description: str) -> Parameter[str]:
    """Percent-encoded, or as `wire.dump_segment` makes it."""

    def parse(text: str | None, _: Settings) -> str:
        return parse_segment(name, text) if text and text.startswith(ENCODED) else parse_identifier(name, text)

    return Parameter(name, "path", description, IDENTIFIER, parse)


def _whole_number(name: str, description: str, default: int, minimum: int, maximum: int) -> Parameter[int]:
    schema = {"type": "integer", "minimum": minimum, "maximum": maximum, "default": default}

    def parse(text: str | None, _: Settings) -> int:
        return default if text is None else parse_whole_number(name, text, minimum, maximum)

    return Parameter(name, "query", description, schema, parse)


def _optional_whole_number(name: str, description: str, maximum: int) -> Parameter[int | None]:
    schema = {"type": "integer", "minimum": 0, "maximum": maximum}

    def parse(text: str | None, _: Settings) -> int | None:
        return None if text is None else parse_whole_number(name, text, 0, maximum)

    return Parameter(name, "query", description, schema, parse)


def _parse_owner(text: str | None, _: Settings) -> str | None:
    """An empty one is refused: a request for one of many users must not meet the caller's own sessions."""
    return None if text is None else parse_segment("owner", text)


def _parse_sending(text: str | None, _: Settings) -> Sending | None:
    return None if text is None else Sending.parse(text)


def _parse_message_id(text: str | None, _: Settings) -> int:
    identifier = unquote(text or "", errors="replace")
    if not (identifier.isascii() and identifier.isdigit() and len(identifier) < 19):
        raise MessageNotFoundError(identifier)
    return int(identifier)


OWNER = Parameter("owner", "query", "A subspace of the caller's sessions.", IDENTIFIER, _parse_owner)
SENT_AT = Parameter(
    sending.HEADER,
    "header",
    "When it was sent, in seconds since 1970, a semicolon, and for how many seconds its sender waits for the answer:"
    " it changes nothing later, or what was changed in between.",
    {"type": "string"},
    _parse_sending,
)
SESSION_ID = _path_identifier("session_id", "The session.")
AGENT_ID = _path_identifier("agent_id", "One of the session's agents.")
MULTI_AGENT_ID = _path_identifier("multi_agent_id", "One of the session's multi-agents.")
RUN_ID = _path_identifier("run_id", "The run.")
MESSAGE_ID = Parameter(
    "message_id", "path", "One of the agent's messages.", {"type": "integer", "minimum": 0}, _parse_message_id
)
PAGE = _whole_number("page", "The page, from 1.", 1, 1, _MAXIMUM_PAGE)
PAGE_SIZE = _whole_number("page_size", "How many the page has at most.", 10, 1, MAXIMUM_PAGE_SIZE)
LIMIT = _optional_whole_number("limit", "How many follow the cursor at most.", MAXIMUM_PAGE_SIZE)
CURSOR = query_text("cursor", "Where the list begins: `next_cursor` of the one before.")
ORDER: Parameter[Order] = query_choice("order", "Oldest first or newest.", ORDERS)
FROM_MESSAGE_ID = _optional_whole_number("from_message_id", "The message that the first page begins with.", _MAXIMUM_ID)
BEFORE_MESSAGE_ID = _optional_whole_number(
    "before_message_id", "The agent as it was before that message of its own.", _MAXIMUM_ID
)
