"""Ordinary results, one a behaviour; `echo`, the default, answers with the event it was given."""

import base64
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

VERSION = "1"


def handler(event: dict[str, Any], context: Any) -> Any:
    behaviour = (event["pathParameters"] or {}).get("behaviour", "echo")
    return BEHAVIOURS.get(behaviour, echo)(event)


def echo(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(event)}


def version(_: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": f"{VERSION} {os.getpid()}"}


def headers(_: dict[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": 201,
        "headers": {"X-One": "hidden", "X-Two": 2, "X-Three": True, "X-Four": "é"},
        "multiValueHeaders": {"x-one": ["a", "b"], "Set-Cookie": ["a=1", "b=2"]},
        "body": "é",
    }


def binary(_: dict[str, Any]) -> dict[str, Any]:
    body = base64.b64encode(bytes(range(256))).decode()
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}


def large(_: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": "x" * 7 * 1024 * 1024}


def five_mebibytes(_: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": "x" * 5 * 1024 * 1024}


def malformed(_: dict[str, Any]) -> list[str]:
    return ["not", "a", "proxy", "response"]


def illegal_header(_: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"X-Split": "a\r\nSet-Cookie: stolen=1"}, "body": ""}


def raises(_: dict[str, Any]) -> None:
    raise ValueError("the handler raised")


def exits(_: dict[str, Any]) -> None:
    os._exit(7)


def killed(_: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(event: dict[str, Any]) -> None:
    Path(os.environ["MARKERS"], "hanging").write_text(str(os.getpid()))
    signal.pause()


def waits(event: dict[str, Any]) -> dict[str, Any]:
    """Tells that it runs, then waits for the test to write into the pipe."""
    with Path(os.environ["MARKERS"], "waiting").open("w"):
        pass
    return waits_for_go(event)


def waits_for_go(_: dict[str, Any]) -> dict[str, Any]:
    Path(os.environ["MARKERS"], "go").read_text()
    Path(os.environ["MARKERS"], "finished").write_text("")
    return {"statusCode": 200, "body": "waited"}


def logs(_: dict[str, Any]) -> dict[str, Any]:
    sys.stdout.write("to standard output\n")
    sys.stderr.write("to standard error\n")
    return {"statusCode": 200, "body": ""}


BEHAVIOURS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "version": version,
    "headers": headers,
    "binary": binary,
    "large": large,
    "five_mebibytes": five_mebibytes,
    "malformed": malformed,
    "illegal_header": illegal_header,
    "raises": raises,
    "exits": exits,
    "killed": killed,
    "hangs": hangs,
    "waits": waits,
    "waits_for_go": waits_for_go,
    "logs": logs,
}
