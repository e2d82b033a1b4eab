"""What keeps a server from starting: one sentence, and exit code 1."""

import socket
from concurrent.futures import ThreadPoolExecutor

from tests.support.server import refusal


def test_each_reason_is_one_sentence(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = {
            f"PORT={port} cannot be opened on 127.0.0.1": {"SESSION_BACKEND_URL": database_url, "PORT": port},
            "SESSION_BACKEND_URL cannot be used": {"SESSION_BACKEND_URL": "postgresql://a:secret@127.0.0.1:1/x"},
            "the database is not migrated": {"SESSION_BACKEND_URL": database_url, "DATABASE_SCHEMA": "empty"},
        }
        with ThreadPoolExecutor(2) as threads:
            refusals = dict(zip(cases, threads.map(lambda case: refusal(**case), cases.values()), strict=True))
    for words, (code, said) in refusals.items():
        assert (code, said.count("\n")) == (1, 1), said
        assert words in said
        assert "secret" not in said
