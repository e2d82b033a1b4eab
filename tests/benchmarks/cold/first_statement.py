"""Goes the way to a first statement once, and prints {phase: [milliseconds on the clock, milliseconds of CPU]}."""

import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager


def go_once() -> dict[str, tuple[float, float]]:
    taken: dict[str, tuple[float, float]] = {}

    @contextmanager
    def phase(name: str) -> Generator[None]:
        started, cpu = time.perf_counter(), time.process_time()
        yield
        taken[name] = (time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000

    with phase("imports of the store"):
        from session_store import connection as connections
        from session_store import iam_token
        from session_store.settings import StoreSettings
    with phase("settings"):
        settings = StoreSettings.from_environment(os.environ)
    with phase("a token"):
        host, port, user = "127.0.0.1", 5432, "signed_in"
        iam_token.create_iam_token(host, port, user, settings.region)
    with phase("TCP, TLS, signing in, with another token"):
        connection = connections.connect(settings)
    with phase("the first statement"):
        connection.execute("SELECT count(*) FROM sessions")
    connection.close()
    return taken


if __name__ == "__main__":
    input()  # the process is in its control group
    print(json.dumps(go_once()))
