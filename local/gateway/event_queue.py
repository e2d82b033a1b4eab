"""Lambda's queue of events for functions that nobody waits for: tried again after an error, and kept in memory only."""

import asyncio
import logging

from local.gateway.gateway_problems import GatewayProblemError
from local.gateway.invocation import InvocationError
from local.gateway.limits import Limits
from local.gateway.pool import RuntimePool
from local.gateway.table import Function

logger = logging.getLogger(__name__)

_THROTTLED_PAUSE_SECONDS = 1.0


class EventQueue:
    def __init__(self, pool: RuntimePool, limits: Limits) -> None:
        self._pool, self._limits = pool, limits
        self._deliveries: set[asyncio.Task[None]] = set()

    def put(self, function: Function, event: bytes, owner: str) -> None:
        delivery = asyncio.create_task(self._deliver(function, event, owner))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    async def close(self) -> None:
        for delivery in self._deliveries:
            delivery.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)

    async def _deliver(self, function: Function, event: bytes, owner: str) -> None:
        for pause_seconds in (*self._limits.retry_seconds, None):
            try:
                await self._invoke(function, event, owner)
            except InvocationError as error:
                logger.warning("%s | an event failed: %s", function.name, error)
            else:
                return
            if pause_seconds is not None:
                await asyncio.sleep(pause_seconds)
        logger.error("%s | an event is given up", function.name)

    async def _invoke(self, function: Function, event: bytes, owner: str) -> None:
        """A function without a free process is no failed try, as on Lambda."""
        while True:
            try:
                invocation = await self._pool.invoke(function, event, owner)
            except GatewayProblemError:
                await asyncio.sleep(_THROTTLED_PAUSE_SECONDS)
                continue
            [_ async for _ in invocation.read()]
            return
