"""A server of the Model Context Protocol on stdin and stdout, with one tool, `whoami`: its process id.

Without the library, whose import takes seconds: python -m tests.support.mcp_server
"""

import json
import os
import sys
from typing import Any

TOOL = {"name": "whoami", "description": "The server's process id.", "inputSchema": {"type": "object"}}


def answer(method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        server = {"name": "test", "version": "1"}
        version = parameters["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": [TOOL]}
    return {"content": [{"type": "text", "text": str(os.getpid())}]} if method == "tools/call" else {}


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request:
            result = answer(request["method"], request.get("params") or {})
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    serve()
