"""`python -m local.sam` serves the API under SAM until Ctrl-C; `python -m local.sam down [--volumes]` ends it."""

import contextlib
import logging
import os
import signal
import sys

from local.sam.errors import SamStackError
from local.sam.stack import SamStack, end


def serve() -> None:
    # SIGTERM acts like Ctrl-C, so that everything already started, even halfway, is stopped on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), SamStack(port=int(os.environ.get("SAM_PORT", "3000"))) as stack:
        print(f"\nAPI    {stack.api.url}\nLogs   {stack.api.log}\nStop with Ctrl-C.\n", flush=True)
        stack.api.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)-12s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        if sys.argv[1:2] == ["down"]:
            end(*sys.argv[2:])
        else:
            serve()
    except SamStackError as error:
        sys.exit(str(error))
