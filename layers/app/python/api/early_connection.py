"""The connection to the database, opened while Lambda starts a function's process.

Lambda gives a start a full core, and a request of a small function a third of one:
docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import os
import random
import time
from typing import TYPE_CHECKING

from session_store.time_limit import time_limit

if TYPE_CHECKING:
    from api.observability import Observability
    from session_store.postgresql import PostgreSQLStore

# A start may take 10 s, and a restore 10 s: what is not there by then is the first request's to wait for.
CONNECT_SECONDS = 2.0


def connect_early(store: "PostgreSQLStore", observability: "Observability") -> None:
    """Connect the process's store, on Lambda only. A failure is logged: the first request connects again.

    Under SnapStart that happens when a snapshot is restored. Before the snapshot nothing may connect: the copies would
    share a socket, and the state of the TLS library's random numbers with it.
    """
    kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    if kind == "snap-start":
        from snapshot_restore_py import register_after_restore

        store.prepare()
        register_after_restore(_restore, store, observability)
    elif kind:
        _connect(store, observability)


def _restore(store: "PostgreSQLStore", observability: "Observability") -> None:
    random.seed()  # copies of one snapshot would draw the same numbers
    _connect(store, observability)


def _connect(store: "PostgreSQLStore", observability: "Observability") -> None:
    try:
        with time_limit(time.monotonic() + CONNECT_SECONDS):
            store.connect()
    except Exception as error:  # noqa: BLE001 - the first request meets it again, and answers with it
        observability.logger.warning("no early connection", extra={"kind": type(error).__name__})
