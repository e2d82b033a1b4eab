"""When a request was sent, and until when somebody waits for it: what comes later must change nothing any more.

A request may reach the database long after its sender gave it up. So it bears its moment, by the database's clock, and
the database compares that with the present, and with when it stored what the request would change.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Self, TypeVar

from .errors import InvalidInputError, StoreUnavailableError

HEADER = "Sent-At"
"""Of a request to the session backend: the moment, a semicolon, and the seconds for which its sender waits."""

_TRIES = 8
_LATEST_SECONDS = 1e11  # since 1970; PostgreSQL knows later moments, but not much later ones
T = TypeVar("T")


class Sending(NamedTuple):
    """sent_at: seconds since 1970, by the database's clock. valid_seconds: for how long somebody waits from then on."""

    sent_at: float
    valid_seconds: float

    def dump(self) -> str:
        return f"{self.sent_at:.6f};{self.valid_seconds:g}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `InvalidInputError`."""
        sent_at, _, valid_seconds = text.partition(";")
        try:
            sending = cls(float(sent_at), float(valid_seconds))
        except ValueError:
            sending = cls(-1, -1)
        if not all(0 <= seconds <= _LATEST_SECONDS for seconds in sending):
            raise InvalidInputError(HEADER, "must be seconds since 1970, a semicolon, and how many seconds it is good")
        return sending


_given: ContextVar[Sending | None] = ContextVar("sending", default=None)


@contextmanager
def sent_as(sending: Sending | None) -> Generator[None]:
    """What the store sends within the block is part of a request that was sent then."""
    token = _given.set(sending)
    try:
        yield
    finally:
        _given.reset(token)


class ServerClock:
    """The database's clock, as far as a client knows it without asking.

    It is taken to agree with this machine's until the database refuses a request as one from another time.
    """

    def __init__(self) -> None:
        self._offset_seconds = 0.0

    def now(self) -> float:
        """Seconds since 1970; never ahead of the database once that has refused something."""
        return time.time() + self._offset_seconds

    def learn(self, database_time: float) -> None:
        self._offset_seconds = database_time - time.time()

    def send(self, valid_seconds: float, send: Callable[[Sending], T]) -> T:
        """What `send` returns; it is called again, with a later moment, where the database refuses an earlier one.

        A request that is part of another is sent with that one's moment, once.
        """
        given = _given.get()
        if given is not None:
            return send(given)
        for _ in range(_TRIES - 1):
            try:
                return send(Sending(self.now(), valid_seconds))
            except StoreUnavailableError as refusal:
                if refusal.database_time is None:
                    raise
                self.learn(refusal.database_time)
        return send(Sending(self.now(), valid_seconds))
