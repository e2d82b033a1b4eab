"""The bare text."""

from collections.abc import Iterator

from turns.events import Event, MessageDropped, TextDelta, TextStarted, Turn, TurnFailed
from turns.prefetch import prefetch_first

MEDIA_TYPE = "text/plain"
BETWEEN_MESSAGES = "\n\n"
STARTS_OVER = "\n\n[The answer starts over.]\n\n"


class TurnFailedError(Exception):
    """A turn that is watched has failed; has the failure's code for its words."""


def chunks(turn: Turn) -> Iterator[str]:
    """Returns with the first words there. What the turn raises later breaks them off: text has no place for it."""
    return prefetch_first(_texts(turn.events))


def _texts(events: Iterator[Event | None]) -> Iterator[str]:
    shown: str | None = None  # the message whose text came last
    for event in events:
        match event:
            case TextStarted(message_id):
                if shown:
                    yield BETWEEN_MESSAGES
                shown = message_id
            case TextDelta(text=text):
                yield text
            case MessageDropped(message_id) if message_id == shown:
                yield STARTS_OVER
                shown = None
            case TurnFailed(code):
                raise TurnFailedError(code)
            case _:
                pass
