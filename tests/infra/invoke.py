"""Runs a function's handler as Lambda's bootstrap would: `python invoke.py FOLDER < event > answer`."""

import importlib
import json
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Context:
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    event: Any = json.load(sys.stdin)
    answer, sys.stdout = sys.stdout, sys.stderr  # logs and metrics are Lambda's standard output, not the answer
    json.dump(importlib.import_module("handler").handler(event, Context()), answer)


if __name__ == "__main__":
    main(sys.argv[1])
