"""Who keeps a lease, where the machine gives no thread for it."""

import threading

import pytest

from session_store.lease import LeaseKeeper
from tests.support.waiting import wait_until


def test_a_thread_that_is_not_to_be_had_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, refused, watched = threading.Thread.start, list[str](), list[bool]()

    def start(thread: threading.Thread) -> None:
        if thread.name == "lease-keeper" and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        begin(thread)

    def watch() -> bool:
        watched.append(True)
        return False

    monkeypatch.setattr(threading.Thread, "start", start)
    keepers = [LeaseKeeper(watch, watch, lambda: None, 3.0, 0.5) for _ in range(2)]
    for keeper in keepers:
        keeper.start()
    wait_until(lambda: len(watched) >= 4)
    for keeper in keepers:
        keeper.stop()
    assert refused
