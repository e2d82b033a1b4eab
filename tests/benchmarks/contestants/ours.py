"""This project: a run a turn. The URL's scheme chooses SQL or the session backend."""

from dataclasses import replace

from harness import main
from strands_agent import build_agent, seed_through

from session_store import open_store
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings

RUN_MESSAGES = 1_000
"""So many fit into one write over the session backend."""


class Ours:
    def __init__(self, url: str) -> None:
        self._repository = PostgreSQLSessionRepository(store=open_store(replace(StoreSettings(), url=url)))

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        for first in range(0, max(messages, 1), RUN_MESSAGES):
            with self._repository.run(session_id) as run:
                seed_through(run.session_manager, min(messages - first, RUN_MESSAGES), window=window)

    def turn(self, session_id: str, tools: int, prompt: str = "What next?") -> None:
        with self._repository.run(session_id) as run:
            build_agent(tools, session_manager=run.session_manager)(prompt)

    def restore(self, session_id: str, *, window: bool) -> int:
        self._restored = self._repository.run(session_id).__enter__()
        return len(build_agent(window=window, session_manager=self._restored.session_manager).messages)

    def after_restore(self) -> None:
        self._restored.__exit__(None, None, None)
        del self._restored  # or the next restore would be timed with the end of this one


if __name__ == "__main__":
    main(Ours)
