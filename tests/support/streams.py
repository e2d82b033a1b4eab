"""A turn's stream, as a client of the API opens it."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx


@contextmanager
def streaming(client: httpx.Client, session_id: str, prompt: str, **headers: str) -> Iterator[httpx.Response]:
    body = {"prompt": prompt, "session_id": session_id}
    with client.stream("POST", "/process-streaming", json=body, headers=headers) as response:
        yield response
