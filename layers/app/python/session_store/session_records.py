"""What lists and searches of sessions ask for and find, and how forks are asked for and named."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple

from ._fields import Identifier, Inline, Text, WholeNumber
from .records import SessionRecord


class SessionFilter(NamedTuple):
    """Which sessions a list shows: those of this title, with these members in their metadata, as text.

    include_empty: those too that have no message, since their first run failed.
    """

    title: str | None = None
    metadata: Mapping[str, str] = MappingProxyType({})
    include_empty: bool = False


EVERY_SESSION = SessionFilter()


class SessionMatch(NamedTuple):
    """Where words were found: in a message, or without a `message_id` in the title.

    passage: the text around them, each of them between `MATCH_START` and `MATCH_END`.
    """

    session: Annotated[SessionRecord, Inline()]
    passage: Text
    agent_id: Text | None = None
    message_id: WholeNumber | None = None


# Characters of no script, and of no text: they are taken out of it.
MATCH_START, MATCH_END = "\ue000", "\ue001"


class ForkRequest(NamedTuple):
    """A new session with the messages up to one of an agent's, and all of them without a `message_id`."""

    session_id: Identifier
    agent_id: Identifier
    message_id: WholeNumber | None = None


class ForkRecord(NamedTuple):
    """state_message_id: the message after which the agent's state was recorded; None where none was by then."""

    session: SessionRecord
    state_message_id: WholeNumber | None


class ForkSummary(NamedTuple):
    """message_id: the last message that the fork and its origin both have."""

    session_id: Identifier
    message_id: WholeNumber | None
    created_at: Text
    removed_at: Text | None = None
