"""What may happen to a request on its way, by chance or as a test has planned it."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Literal

Fault = Literal["delay", "cut", "lose the answer", "cut the answer", "deliver late", "silence", "partition"]
Seconds = tuple[float, float]


@dataclass(frozen=True)
class Chaos:
    """How often each fault meets a request (of 1), and how long it lasts, from and to.

    delay: the request arrives later. cut: it never arrives, and the connection ends. lose_answer: the server carries
    it out, and the connection ends instead of the answer. cut_answer: the connection ends within the answer.
    deliver_late: the connection ends, and the server receives the request after that. silence: neither the request
    arrives nor an answer nor an end, until the client gives up. partition: for a time nothing passes on any connection,
    then everything that was sent meanwhile, whether its sender has given up or not.
    """

    delay: float = 0
    cut: float = 0
    lose_answer: float = 0
    cut_answer: float = 0
    deliver_late: float = 0
    silence: float = 0
    partition: float = 0
    delay_seconds: Seconds = (0.001, 0.05)
    late_seconds: Seconds = (0.02, 3)
    partition_seconds: Seconds = (0.2, 2)

    def choose(self, chance: random.Random) -> Fault | None:
        shares: dict[Fault, float] = {
            "delay": self.delay,
            "cut": self.cut,
            "lose the answer": self.lose_answer,
            "cut the answer": self.cut_answer,
            "deliver late": self.deliver_late,
            "silence": self.silence,
            "partition": self.partition,
        }
        drawn = chance.random()
        for fault, share in shares.items():
            drawn -= share
            if drawn < 0:
                return fault
        return None


CALM = Chaos()


class Held:
    """A request that its sender has given up, until it is delivered."""

    def __init__(self) -> None:
        self.released, self.answered = asyncio.Event(), asyncio.Event()


class Network:
    """What all connections of a proxy share. `counts`: how often each fault has happened."""

    def __init__(self, chaos: Chaos) -> None:
        self.chaos = chaos
        self.counts = Counter[Fault]()
        self.planned: list[tuple[Fault, bytes]] = []
        self.whole = asyncio.Event()
        self.whole.set()
        self._held: list[Held] = []

    def fault_for(self, request: bytes, chance: random.Random) -> Fault | None:
        fault = self._take_planned(request) or self.chaos.choose(chance)
        if fault:
            self.counts[fault] += 1
        return fault

    def part(self, seconds: float) -> None:
        self.whole.clear()
        asyncio.get_running_loop().call_later(seconds, self.whole.set)

    def hold(self, chance: random.Random) -> Held:
        """Released after a time drawn by chance, or by `deliver`."""
        self._held.append(held := Held())
        asyncio.get_running_loop().call_later(chance.uniform(*self.chaos.late_seconds), held.released.set)
        return held

    async def deliver(self) -> int:
        held, self._held = [each for each in self._held if not each.answered.is_set()], []
        for each in held:
            each.released.set()
        await asyncio.gather(*(each.answered.wait() for each in held))
        return len(held)

    def _take_planned(self, request: bytes) -> Fault | None:
        for planned in self.planned:
            if planned[1] in request:
                self.planned.remove(planned)
                return planned[0]
        return None
