"""The frame around every route: which one is meant, who asks, what is logged, and what an error becomes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.errors import RouteNotFoundError
from api.observability import Observability
from api.problems import problem_of
from api.request import Request
from api.responses import problem_response
from api.settings import Settings

Route = Callable[[Request], Response[Any]]


class Api:
    """A Lambda handler for API Gateway's REST proxy events.

    >>> api = Api(settings)
    >>> api.route("GET", "/sessions/{session_id}/history", answer_history)
    >>> api(event, context)
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.observability = Observability(settings)
        # Powertools' own validation would double its cold start, and pydantic refuses texts that a message may have.
        self._resolver = APIGatewayRestResolver(debug=False)
        self._resolver.exception_handler(Exception)(self._answer_problem)
        self._resolver.exception_handler(NotFoundError)(self._answer_not_found)
        self._handle = self.observability.traced(self._logged)

    def route(self, method: str, path: str, answer: Route) -> None:
        """`path` as `functions.toml` has it."""
        self._resolver.route(path, method)(lambda: answer(self._request()))

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        return self._handle(event, context)

    def _logged(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        started = time.perf_counter()
        logger = self.observability.logger
        with logger.append_context_keys(
            correlation_id=event["requestContext"].get("requestId"), function_request_id=context.aws_request_id
        ):
            # API Gateway has chosen the route already. Its path may carry a custom domain's prefix, and ids have
            # characters that Powertools' patterns do not match.
            response = self._resolver.resolve({**event, "path": event["resource"]}, context)
            logger.info(
                "request",
                extra={
                    "route": f"{event['httpMethod']} {event['resource']}",
                    "status": response["statusCode"],
                    "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                },
            )
        return response

    def _request(self) -> Request:
        context = self._resolver.lambda_context
        return Request(
            self._resolver.current_event.raw_event, self.settings, context.get_remaining_time_in_millis() / 1000
        )

    def _answer_not_found(self, _: Exception) -> Response[str]:
        return self._answer_problem(RouteNotFoundError())

    def _answer_problem(self, error: Exception) -> Response[str]:
        self.observability.record_failure(error)
        if problem_of(error).status >= 500:
            self.observability.log_failure(error)
        return self.problem_response(error, self._request().request_id)

    def problem_response(self, error: Exception, request_id: str) -> Response[str]:
        return problem_response(error, request_id)
