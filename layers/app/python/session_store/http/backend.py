"""One request to the session backend and what it comes to."""

import http.client
import random
import time
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from session_store.document import Document
from session_store.errors import (
    AlreadyExistsError,
    SessionBusyError,
    SessionStoreError,
    StoreUnavailableError,
    TooLargeError,
)
from session_store.sending import HEADER, Sending, ServerClock
from session_store.settings import StoreSettings
from session_store.time_limit import seconds_left
from session_store.wire import MAXIMUM_BYTES, dump_segment, wire_bytes

from .connection import Connection
from .problem_documents import no_session_backend, parse_problem

ROOT = "/api/v1"
CALLER_ITSELF = "default"
_RETRY_PAUSE_SECONDS = (0.05, 0.25)
# Not carried out, or nobody knows. After a 504 or a timeout nothing is tried again: the time is over.
_PASSING = (429, 502, 503)


@dataclass(frozen=True, slots=True)
class Answer:
    """refusal: the error that was answered. repeated: an earlier try of the request may have been carried out."""

    text: str
    refusal: SessionStoreError | None
    repeated: bool

    @property
    def may_exist_by_itself(self) -> bool:
        """Refused, perhaps for what the earlier try created; a run may have taken the session since."""
        return self.repeated and isinstance(self.refusal, AlreadyExistsError | SessionBusyError)

    @property
    def is_late(self) -> bool:
        """Refused as one from another time, by the database's clock."""
        return isinstance(self.refusal, StoreUnavailableError) and self.refusal.database_time is not None

    def check(self) -> None:
        """Raises the refusal."""
        if self.refusal:
            raise self.refusal

    def document(self, *nested: str) -> Document:
        """`nested` as for `Document.parse`. Raises the refusal."""
        self.check()
        try:
            return Document.parse(self.text, nested)
        except (ValueError, RecursionError) as error:
            raise no_session_backend("it answers something else than JSON") from error


class Backend:
    """A request whose answer is lost is sent once more, unless its `time_limit` is near.

    So every request given to it is safe to repeat: it reads, sets absolute values, or creates under a key and compares
    afterwards.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._connection = Connection(settings)
        self._clock, self._timeout_seconds = ServerClock(), settings.read_timeout_seconds

    @property
    def round_trips(self) -> int:
        return self._connection.round_trips

    def send(self, method: str, path: str, owner: str, body: str | None = None, **query: str | int) -> Answer:
        """`path` below `ROOT`. Raises `StoreUnavailableError`, and `TooLargeError` before anything is sent."""
        if body is not None and (size := wire_bytes(body)) > MAXIMUM_BYTES:
            raise TooLargeError("request", size, MAXIMUM_BYTES)
        parameters = {name: str(value) for name, value in query.items()}
        if owner != CALLER_ITSELF:
            parameters["owner"] = dump_segment(owner)
        target = f"{ROOT}{path}?{urlencode(parameters)}" if parameters else ROOT + path
        return self._send_in_time(method, target, None if body is None else body.encode())

    def ping(self) -> None:
        self._send_in_time("GET", "/health/db", None).check()

    def close(self) -> None:
        self._connection.close()

    def _send_in_time(self, method: str, target: str, content: bytes | None) -> Answer:
        repeated = False

        def send(sending: Sending) -> Answer:
            nonlocal repeated
            answer = self._answer(method, target, content, sending)
            repeated = repeated or answer.repeated
            if answer.is_late:
                answer.check()
            return replace(answer, repeated=repeated)

        return self._clock.send(min(seconds_left(), self._timeout_seconds), send)

    def _answer(self, method: str, target: str, content: bytes | None, sending: Sending) -> Answer:
        headers = {HEADER: sending.dump()}
        try:
            status, text = self._connection.exchange(method, target, content, headers)
            answer = _answer_of(status, text, repeated=False)
            if status not in _PASSING or answer.is_late:
                return answer
        except TimeoutError as error:
            raise _unavailable(error) from error
        except (OSError, http.client.HTTPException) as error:
            if seconds_left() < _RETRY_PAUSE_SECONDS[1]:
                raise _unavailable(error) from error
        time.sleep(random.uniform(*_RETRY_PAUSE_SECONDS))  # noqa: S311 - jitter, not a secret
        try:
            return _answer_of(*self._connection.exchange(method, target, content, headers), repeated=True)
        except (OSError, http.client.HTTPException) as error:
            raise _unavailable(error) from error


def dump_path(*parts: str) -> str:
    """`/sessions/{id}/…` of names and identifiers."""
    return "".join(f"/{dump_segment(part)}" for part in parts)


def _answer_of(status: int, text: str, *, repeated: bool) -> Answer:
    return Answer(text, None if 200 <= status < 300 else parse_problem(status, text), repeated)


def _unavailable(error: Exception) -> StoreUnavailableError:
    return StoreUnavailableError(f"the session backend does not answer ({type(error).__name__})")
