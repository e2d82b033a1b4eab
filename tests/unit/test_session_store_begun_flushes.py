"""No write of a run is lost where its end comes before a thread has taken it."""

import threading

from session_store import _offload
from session_store.begun_flushes import BegunFlushes


def test_a_write_that_waits_for_a_thread_is_made_at_the_end() -> None:
    released, written = threading.Event(), list[str]()
    busy = [_offload.submit(released.wait) for _ in range(_offload._MAXIMUM_THREADS)]
    flushes = BegunFlushes(lambda: written.append(threading.current_thread().name))
    flushes.begin()
    assert written == []
    flushes.finish()
    assert written == [threading.current_thread().name]
    released.set()
    assert all(each.result() for each in busy)
    assert len(written) == 1


def test_a_write_that_is_under_way_is_waited_for() -> None:
    begun, released, written = threading.Event(), threading.Event(), list[bool]()

    def flush() -> None:
        begun.set()
        assert released.wait(30)
        written.append(True)

    flushes = BegunFlushes(flush)
    flushes.begin()
    assert begun.wait(30)
    threading.Timer(0.05, released.set).start()
    flushes.finish()
    assert written == [True]
