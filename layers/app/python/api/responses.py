"""Answers in the shape of Powertools' `Response`."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from api import problems

# Lambda refuses a response of more than 6 MB, counted after the body has become a string in a JSON document: quotes,
# backslashes and line breaks take two bytes there. docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAGE_BYTES = 5_000_000

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_text(value: Any) -> str:
    """Compact JSON that has a UTF-8 form: lone surrogates are escapes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return with_utf8(text)


def with_utf8(text: str) -> str:
    """JSON text with lone surrogates as escapes, since Lambda's runtime encodes the response as UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def wire_bytes(text: str) -> int:
    """The size of `text` inside Lambda's response document."""
    return len(json.dumps(text, ensure_ascii=False).encode())


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
