# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0"]
# ///
"""Strands' own FileSessionManager: no database at all."""

import tempfile

from harness import main
from strands.session.file_session_manager import FileSessionManager
from strands_agent import build_agent, seed_through

FOLDER = tempfile.mkdtemp()


class StrandsFile:
    def __init__(self, url: str) -> None:
        pass

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        seed_through(FileSessionManager(session_id, storage_dir=FOLDER), messages, window=window)

    def turn(self, session_id: str, tools: int) -> None:
        build_agent(tools, session_manager=FileSessionManager(session_id, storage_dir=FOLDER))("What next?")

    def restore(self, session_id: str, *, window: bool) -> int:
        manager = FileSessionManager(session_id, storage_dir=FOLDER)
        return len(build_agent(window=window, session_manager=manager).messages)


if __name__ == "__main__":
    main(StrandsFile)
