"""The API's frame for the session backend: its one greedy route taken apart, its problems in the seed's words too."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.app import Api, Route
from api.backend.problems import problem_response

PREFIX = "/api/v1/"


class BackendApi(Api):
    """API Gateway knows one route, `/api/v1/{proxy+}`; here it becomes the resource that the path names."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._resources: list[list[str]] = []

    def resource(self, method: str, path: str, answer: Route) -> None:
        """`path` below `/api/v1`, as `/sessions/{session_id}`."""
        segments = path.removeprefix("/").split("/")
        if segments not in self._resources:
            self._resources.append(segments)
        self.route(method, PREFIX + "/".join(segments), answer)

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        return super().__call__(self._refined(event), context)

    def _refined(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        # Not `pathParameters`: `path` alone is percent-encoded at every gateway but SAM's, so that an encoded slash
        # separates nothing. A custom domain may have put its own prefix before ours.
        _, _, path = event["path"].partition(PREFIX)
        segments = path.split("/")
        for resource in self._resources:
            if len(resource) == len(segments) and all(map(_fits, resource, segments)):
                parameters = {
                    name[1:-1]: segment
                    for name, segment in zip(resource, segments, strict=True)
                    if name.startswith("{")
                }
                return {**event, "resource": PREFIX + "/".join(resource), "pathParameters": parameters}
        return event

    def problem_response(self, error: Exception, request_id: str) -> Response[str]:
        return problem_response(error, request_id)


def _fits(name: str, segment: str) -> bool:
    return bool(segment) if name.startswith("{") else name == segment
