"""A moto server whose CloudFormation knows every type of our template: `python -m tests.infra.moto_server`.

Prints its port, and ends with its standard input.
"""

import sys

from moto.cloudformation import parsing
from moto.server import ThreadedMotoServer

from tests.infra import moto_caller_types, moto_release_types  # noqa: F401 - their types register themselves
from tests.infra.moto_types import ApiResource, Schema


def main() -> None:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    ApiResource.endpoint = f"http://{host}:{port}"
    parsing.get_model_map().update({resource.type: resource for resource in ApiResource.__subclasses__()})
    parsing.CustomModel = Schema  # moto's own for every custom type; it would call the function in a container
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
