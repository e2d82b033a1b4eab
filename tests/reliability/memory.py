"""A function answers one request, and prints its status, its answer's beginning, and the most memory that it took.

python -m tests.reliability.memory FUNCTION METHOD RESOURCE QUERY BODY ATTACHMENT_ID
"""

import json
import sys
from pathlib import Path

from response_streaming.response import encode, find_stream
from tests.support.http_api import ALICE, Context, event_of, load_handler

BACKEND = "/api/v1/"


def main(function: str, method: str, route: str, query: str, body: str, attachment_id: str) -> None:
    event = event_of(method, route, ALICE, query, {"session_id": "large", "attachment_id": attachment_id})
    event["headers"] |= {"Content-Type": "application/json"}
    event["body"] = body or None
    if route.startswith(BACKEND):
        event |= {"resource": BACKEND + "{proxy+}", "path": route}
    answer = load_handler(function)(event, Context())
    if stream := find_stream(answer):
        size = sum(len(encode(chunk)) for chunk in stream.chunks)
        measured = {"status": stream.status_code, "body": f"{size} bytes"}
    else:
        json.dumps(answer)  # as the runtime does
        measured = {"status": answer["statusCode"], "body": answer["body"][:300]}
    print(json.dumps({**measured, "peak_mb": read_peak_megabytes()}))


def read_peak_megabytes() -> int:
    """Of this program alone: `ru_maxrss` begins with what the process had that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(*sys.argv[1:])
