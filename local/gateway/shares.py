"""Who may use the next runtime process of a function: no owner waits until another has finished."""

import asyncio
from collections import Counter


class Shares:
    """`size` places, and as many again for owners who hold none.

    A free place goes to the one among those waiting who holds the fewest, and of these to the one who came first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held = Counter[str]()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    async def acquire(self, owner: str) -> None:
        """Wait for a place; if the wait is cancelled, none is held."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((owner, place))
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it was given in the same moment
                self.release(owner)
            raise

    def release(self, owner: str) -> None:
        self._held[owner] -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        self._waiting = [(owner, place) for owner, place in self._waiting if not place.done()]
        while self._waiting:
            owner, place = first = min(self._waiting, key=lambda waiting: self._held[waiting[0]])
            if self._held.total() >= (self._size if self._held[owner] else 2 * self._size):
                return
            self._waiting.remove(first)
            self._held[owner] += 1
            place.set_result(None)
