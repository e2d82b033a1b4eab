"""Models with a pace of their own, for what is measured through a function: `MODEL_PROVIDER` names a factory.

They keep nothing between calls, so that what grows is not theirs.
"""

import asyncio
import time
from collections.abc import AsyncIterable
from typing import Any

from strands.types.streaming import StreamEvent

from tests.support.scripted_model import USAGE, ScriptedModel


class PacedModel(ScriptedModel):
    """Its first token is the milliseconds from its call to that token, as a number."""

    first_token_seconds = 0.02
    seconds_a_token = 0.004
    tokens = 20

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterable[StreamEvent]:
        called = time.perf_counter()
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        for number in range(self.tokens):
            await asyncio.sleep(self.seconds_a_token if number else self.first_token_seconds)
            yield {"contentBlockDelta": {"delta": {"text": self.make_token(number, called)}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}
        yield {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 1}}}

    def make_token(self, number: int, called: float) -> str:
        return " word" if number else f"{(time.perf_counter() - called) * 1000:.3f}"


class InstantModel(PacedModel):
    """Answers 600 bytes at once."""

    first_token_seconds = seconds_a_token = 0

    def make_token(self, number: int, called: float) -> str:
        return "word".ljust(30)


class StampedModel(PacedModel):
    """Each token is the moment at which it was made, by the clock that all processes of the machine have."""

    seconds_a_token = 0.1
    tokens = 60

    def make_token(self, number: int, called: float) -> str:
        return f" {time.monotonic():.6f}"


def build() -> PacedModel:
    return PacedModel()


def build_instant() -> InstantModel:
    return InstantModel()


def build_stamped() -> StampedModel:
    return StampedModel()
