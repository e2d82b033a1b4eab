"""One kept-alive HTTP connection. Paths go out as they are given, and redirects are not followed."""

import http.client
import ssl
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from math import inf
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from session_store.errors import ConfigurationError
from session_store.settings import StoreSettings
from session_store.time_limit import seconds_left, within_limit

from .response import WholeResponse
from .signing import Signer, region_of

_IDLE_SECONDS = 50  # load balancers drop a connection that was idle for 60


class Connection:
    """Connects at the first request, and again where the server has ended it. Threads take turns.

    Whatever a request waits for (its turn, a connection, the answer's parts) ends at the `time_limit`.
    """

    def __init__(self, settings: StoreSettings) -> None:
        url = urlsplit(settings.url)
        if not url.hostname or not _has_valid_port(url) or url.query or url.fragment or url.username:
            raise ConfigurationError("SESSION_BACKEND_URL must be https://host[:port][/stage]")
        self.round_trips = 0
        self._settings, self._host, self._port = settings, url.hostname, url.port
        self._authorities = _authorities(settings) if url.scheme == "https" else None
        self._base = f"{url.scheme}://{url.netloc}"
        self._path = url.path.rstrip("/")
        self._signer = _make_signer(settings, url.hostname)
        self._turn = threading.Lock()
        self._open: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def exchange(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and text of one answer. Raises `OSError` and `http.client.HTTPException`."""
        with self._taken():
            connection = self._current()
            self.round_trips += 1
            try:
                connection.sock.settimeout(within_limit(self._settings.read_timeout_seconds))
                complete = self._headers(method, self._path + target, content, headers)
                connection.request(method, self._path + target, content, complete)
                response = connection.getresponse()
                return response.status, response.read().decode(errors="replace")
            except BaseException:
                self._discard()  # the rest of an answer must not become the next one's
                raise
            finally:
                self._used_at = time.monotonic()

    def close(self) -> None:
        with self._turn:
            self._discard()

    def _headers(self, method: str, target: str, content: bytes | None, others: Mapping[str, str]) -> Mapping[str, str]:
        headers = {"Accept": "application/json", **others}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if self._settings.token_file:
            return {**headers, "Authorization": f"Bearer {_read_token(self._settings.token_file)}"}
        return headers if self._signer is None else self._signer.headers(method, self._base + target, headers, content)

    def _current(self) -> http.client.HTTPConnection:
        # Without its socket, which an answer with `Connection: close` took, the library would connect by itself, and
        # keep the shorter timeout of connecting for the answer.
        if self._open is None or self._open.sock is None or time.monotonic() - self._used_at > _IDLE_SECONDS:
            self._discard()
            self._open = connection = self._make()
            connection.response_class = WholeResponse
            connection.connect()
        return self._open

    @contextmanager
    def _taken(self) -> Generator[None]:
        """The connection for this thread alone."""
        left = seconds_left()
        if not self._turn.acquire(timeout=-1 if left == inf else max(0.0, left)):
            raise TimeoutError("the connection is in use")
        try:
            yield
        finally:
            self._turn.release()

    def _make(self) -> http.client.HTTPConnection:
        timeout_seconds = within_limit(self._settings.connect_timeout_seconds)
        if self._authorities is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_seconds)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_seconds, context=self._authorities)

    def _discard(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _read_token(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"SESSION_BACKEND_TOKEN_FILE={path} holds no token: {error}") from error


def _has_valid_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:
        return False


def _authorities(settings: StoreSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigurationError(f"DATABASE_CA_FILE is no file of PEM certificates: {settings.ca_file}") from error


def _make_signer(settings: StoreSettings, host: str) -> Signer | None:
    region = region_of(host)
    if settings.sign_requests is False or (settings.sign_requests is None and region is None):
        return None
    if not (region or settings.region):
        raise ConfigurationError("AWS_REGION must name the region of the API that requests are signed for")
    return Signer(region or settings.region or "")
