"""What the operations of one process share, and what surrounds each of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from api import problems
from api.call import Call
from api.cors import response_headers
from api.errors import RouteNotFoundError
from api.operation import Operation
from api.request import Request
from api.response import Response, text_response
from api.settings import Settings
from session_store.raw_json import dump_json

if TYPE_CHECKING:
    from api.observability import Observability
    from session_store.postgresql import PostgreSQLStore
    from turns.engine import TurnEngine


@dataclass(frozen=True)
class Application:
    """turns: None in a function without an agent. dump_problem: an error and the request's id as a problem document."""

    settings: Settings
    store: "PostgreSQLStore"
    observability: "Observability"
    turns: "TurnEngine | None" = None
    dump_problem: Callable[[Exception, str], Mapping[str, Any]] = problems.dump_problem

    def respond(self, operation: Operation | None, request: Request) -> Response:
        """The operation's response, logged; what it raises becomes a problem document. Without an operation a 404."""
        started = time.perf_counter()
        response = self._share(self._respond(operation, request), request)
        self.observability.log_request(
            f"{request.method} {operation.path if operation else 'unknown'}",
            response.status,
            time.perf_counter() - started,
        )
        return response

    def _share(self, response: Response, request: Request) -> Response:
        shared = response_headers(self.settings.cors_origins, request.headers.get("origin"))
        return replace(response, headers={**response.headers, **shared}) if shared else response

    def _respond(self, operation: Operation | None, request: Request) -> Response:
        try:
            if operation is None:
                raise RouteNotFoundError
            return operation.handle(Call(operation, request, self))
        except Exception as error:  # noqa: BLE001 - every error has its problem document
            return self._problem(error, request.request_id)

    def _problem(self, error: Exception, request_id: str) -> Response:
        status = problems.find_problem(type(error)).status
        self.observability.record_failure(error)
        if status >= 500:
            self.observability.log_failure(error)
        body = dump_json(self.dump_problem(error, request_id))
        return text_response(body, problems.MEDIA_TYPE, status, problems.headers(error))
