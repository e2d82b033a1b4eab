"""Every operation of the product, and the routes by which gateways reach them.

Light to import, since gateways and infrastructure read it: it knows no Lambda, no agent and no Strands.
"""

import json
import sys
from typing import Literal, NamedTuple

from api.operation import Access, Operation
from api.operations import (
    ag_ui,
    agent_description,
    agents,
    attachments,
    chat,
    chat_stream,
    console,
    create_run,
    forks,
    memories,
    process,
    process_streaming,
    run_events,
    run_trace,
    runs,
    service,
    sessions,
    ui_messages,
    uploads,
    usage,
)

API = (
    *process.OPERATIONS,
    *agent_description.OPERATIONS,
    *process_streaming.OPERATIONS,
    *ag_ui.OPERATIONS,
    *chat.OPERATIONS,
    *chat_stream.OPERATIONS,
    *create_run.OPERATIONS,
    *sessions.OPERATIONS,
    *ui_messages.OPERATIONS,
    *forks.OPERATIONS,
    *attachments.OPERATIONS,
    *uploads.OPERATIONS,
    *agents.OPERATIONS,
    *runs.OPERATIONS,
    *run_events.OPERATIONS,
    *run_trace.OPERATIONS,
    *usage.OPERATIONS,
    *memories.OPERATIONS,
    *service.OPERATIONS,
)
"""What the OpenAPI document describes."""

CONSOLE = console.OPERATIONS


class Route(NamedTuple):
    """deployment: "console" is deployed only with a user pool of the deployment's own, where its users sign in;
    "local_session_backend" is served only on the local session backend's own port, and never deployed.
    """

    operation_id: str
    method: str
    path: str
    access: Access
    deployment: Literal["every", "console", "local_session_backend"] = "every"


def _routes(operations: tuple[Operation, ...]) -> list[Route]:
    return [
        Route(operation.operation_id, operation.method, operation.path, operation.access) for operation in operations
    ]


ROUTES = (
    *_routes(API),
    *(route._replace(deployment="console") for route in _routes(CONSOLE)),
    # One greedy route for all of the session backend's operations, which its function finds by their paths.
    Route("sessionBackend", "ANY", "/api/v1/{proxy+}", "owner"),
    Route("sessionBackendHealth", "GET", "/health", "public", "local_session_backend"),
    Route("sessionBackendDatabaseHealth", "GET", "/health/db", "public", "local_session_backend"),
    Route("sessionBackendReadiness", "GET", "/health/ready", "public", "local_session_backend"),
    Route("sessionBackendLiveness", "GET", "/health/live", "public", "local_session_backend"),
)

if __name__ == "__main__":
    json.dump([route._asdict() for route in ROUTES], sys.stdout)
