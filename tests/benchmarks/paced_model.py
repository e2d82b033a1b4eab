"""A model with a pace of its own, which says how long it took: `MODEL_PROVIDER=tests.benchmarks.paced_model:build`."""

import asyncio
import time
from collections.abc import AsyncIterable
from typing import Any

from strands.types.streaming import StreamEvent

from tests.support.scripted_model import USAGE, ScriptedModel

FIRST_TOKEN_SECONDS = 0.02


class PacedModel(ScriptedModel):
    """Its first token is the milliseconds from its call to that token, as a number."""

    seconds_a_token = 0.004
    tokens = 20

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterable[StreamEvent]:
        called = time.perf_counter()
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        await asyncio.sleep(FIRST_TOKEN_SECONDS)
        yield {"contentBlockDelta": {"delta": {"text": f"{(time.perf_counter() - called) * 1000:.3f}"}}}
        for _ in range(self.tokens - 1):
            await asyncio.sleep(self.seconds_a_token)
            yield {"contentBlockDelta": {"delta": {"text": " word"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}
        yield {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 1}}}


def build() -> PacedModel:
    return PacedModel()
