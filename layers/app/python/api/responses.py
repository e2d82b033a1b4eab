"""Answers in the shape of Powertools' `Response`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api import problems
from session_store.raw_json import dump_json as json_text

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_response(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    return text_response(json_text(value), "application/json", status)


def text_response(
    body: str, media_type: str, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response[str]:
    return Response(int(status), media_type, body, headers={**_HEADERS, **(headers or {})})


def no_content() -> Response[str]:
    return Response(int(HTTPStatus.NO_CONTENT), body="", headers=dict(_HEADERS))


def problem_response(error: Exception, request_id: str) -> Response[str]:
    body = json_text(problems.document(error, request_id))
    status = problems.problem_of(error).status
    return text_response(body, problems.MEDIA_TYPE, status, problems.headers(error))
