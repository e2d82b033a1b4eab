"""A turn as bare text."""

import pytest
from strands.types.exceptions import ModelThrottledException

from session_store.errors import ModelFailedError
from tests.integration.turns.turning import BuildAgent, Turns, scripted
from tests.support.scripted_model import Say, UseTool
from turns.projections import text


def read(turns: Turns, build: BuildAgent) -> str:
    return "".join(text.chunks(turns.begin(build)))


def test_several_messages_do_not_run_together(turns: Turns) -> None:
    build = scripted([Say("I look."), UseTool("look", {})], UseTool("look", {}), "I saw.")
    assert read(turns, build) == "I look.\n\nI saw."


def test_an_answer_that_starts_over_says_so(turns: Turns) -> None:
    build = scripted([Say("half an"), ModelThrottledException("slow down")], "a whole answer")
    assert read(turns, build) == f"half an{text.STARTS_OVER}a whole answer"


def test_a_restart_of_what_was_never_shown_is_not_mentioned(turns: Turns) -> None:
    assert read(turns, scripted([UseTool("look", {}), ModelThrottledException("slow down")], "here")) == "here"


def test_what_fails_before_the_first_word_is_raised_before_the_first_chunk_is_taken(turns: Turns) -> None:
    turn = turns.begin(scripted([UseTool("look", {})], RuntimeError("broke")))
    with pytest.raises(ModelFailedError):
        text.chunks(turn)
