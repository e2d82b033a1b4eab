import pytest

from api.event_stream import wants_text


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        (None, False),
        ("*/*", False),
        ("text/plain", True),
        ("Text/Plain; q=0.9", True),
        ("text/plain, text/event-stream", False),
    ],
)
def test_bare_text_is_for_those_alone_who_ask_for_nothing_else(accept: str | None, text: bool) -> None:
    assert wants_text(accept) is text
