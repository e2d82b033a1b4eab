"""A function answers one request, and prints its status, its answer's beginning, and the most memory that it took.

python -m tests.reliability.memory FUNCTION METHOD RESOURCE QUERY BODY
"""

import json
import resource
import sys

from tests.support.http_api import ALICE, Context, event_of, load_handler

BACKEND = "/api/v1/"


def main(function: str, method: str, route: str, query: str, body: str) -> None:
    event = event_of(method, route, ALICE, query, {"session_id": "large"})
    event["headers"] |= {"Content-Type": "application/json"}
    event["body"] = body or None
    if route.startswith(BACKEND):
        event |= {"resource": BACKEND + "{proxy+}", "path": route}
    answer = load_handler(function)(event, Context())
    json.dumps(answer)  # as the runtime does
    peak_megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    measured = {"status": answer["statusCode"], "body": answer["body"][:300], "peak_mb": round(peak_megabytes)}
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
