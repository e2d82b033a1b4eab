"""Runs the model server as a child process that ends with its owner."""

import contextlib
import subprocess
import sys
from typing import Self

_STOP_TIMEOUT_SECONDS = 10


class LocalModelError(RuntimeError):
    """The model server cannot start; its own error message is on standard error."""


class LocalModel:
    """A context manager that runs the model server, warmed up. The server ends even when its owner is killed.

    >>> with LocalModel() as model:
    ...     OpenAIModel(client_args={"base_url": model.url, "api_key": "none"}, model_id="local")
    """

    def __init__(self, port: int = 0) -> None:
        self.url = ""
        self._port = port
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        # In a session of its own: Ctrl-C reaches only the owner, which ends the model after its clients.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.model", "--port", str(self._port), "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self.url = self._wait_for_url()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if not self._process:
            return
        process, self._process = self._process, None
        with process, contextlib.suppress(BrokenPipeError):
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _wait_for_url(self) -> str:
        url = self._process.stdout.readline().strip() if self._process and self._process.stdout else ""
        if not url:
            raise LocalModelError("the local model ended before it was ready")
        return url
