"""`python -m local.model [--port N]` serves until Ctrl-C. Prints its base URL on standard output once it is ready."""

import argparse
import contextlib
import logging
import os
import socket
import threading

import uvicorn

from local.model.engine import Engine
from local.model.server import build_app

logger = logging.getLogger("local.model")


def main() -> None:
    arguments = _parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(name)-24s %(message)s")
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_owner, daemon=True).start()
    with socket.create_server(("127.0.0.1", arguments.port)) as listener:
        engine = Engine(arguments.threads)
        engine.warm_up()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        logger.info(
            "SmolLM2-135M is ready on %s. It is a toy: it remembers a name, chats a little and calls the calculator;"
            " it ignores the system prompt and all other tools",
            url,
        )
        print(url, flush=True)
        config = uvicorn.Config(build_app(engine), log_level="warning", timeout_graceful_shutdown=1)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.model", description="A small local model, a toy.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--threads", type=int, default=max(1, min(4, (os.cpu_count() or 1) // 2)))
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the process that started it does")
    return parser.parse_args()


def _end_with_owner() -> None:
    """Exits when standard input closes, which the kernel does even for an owner that was killed."""
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
