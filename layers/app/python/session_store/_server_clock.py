"""What the database's clock says, as far as a client can know it without asking."""

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import StoreUnavailableError
from .records import RunRequest

Begun = TypeVar("Begun")


class ServerClock:
    """Taken to agree with this machine's, until the database says otherwise; never ahead of it from then on."""

    def __init__(self) -> None:
        self._offset_seconds = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._offset_seconds

    def learn(self, database_time: float) -> None:
        self._offset_seconds = database_time - time.time()

    def begin(self, request: RunRequest, valid_seconds: float, send: Callable[[RunRequest], Begun]) -> Begun:
        """What `send` makes of the request with its moment, once more if only the clocks disagreed.

        A request with the moment of its own client is sent as it is.
        """
        if request.sent_at is not None:
            return send(request)
        try:
            return send(request._replace(sent_at=self.now(), valid_seconds=valid_seconds))
        except StoreUnavailableError as refusal:
            if refusal.database_time is None:
                raise
            self.learn(refusal.database_time)
        return send(request._replace(sent_at=self.now(), valid_seconds=valid_seconds))
