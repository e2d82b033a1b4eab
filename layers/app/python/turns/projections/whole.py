"""The whole answer, once it is stored."""

from session_store.errors import ModelFailedError
from turns.answer import ProcessAnswer
from turns.events import Turn, TurnFinished


def answer(turn: Turn) -> ProcessAnswer:
    """Raises what the turn raises."""
    answers = [event.answer for event in turn.events if isinstance(event, TurnFinished)]
    if not answers:
        raise ModelFailedError("the turn ended without an answer")
    return answers[0]
