"""What of a request is checked from its operation's declaration, before the operation's function runs."""

import json
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from api.application import Application
from api.call import Call
from api.observability import Observability
from api.operation import Access, Operation
from api.parameters import LIMIT, path_identifier, query_choice, query_text
from api.request import Request
from api.response import Response, json_response
from api.settings import Settings

PLACE = path_identifier("place", "")
COLOUR = query_choice("colour", "", ("red", "blue"))
SUBSPACE = query_text("owner", "")
ALICE = "iam:AIDAALICE"


def request_of(caller: str | None = ALICE, place: str = "here", remaining_seconds: float = 29, **query: str) -> Request:
    now = time.monotonic()
    values = {name: value.split(",") for name, value in query.items()}
    deadline = now + remaining_seconds
    return Request("GET", "/", {"place": place}, values, {}, bytes, caller, "id", received=now, deadline=deadline)


def respond(request: Request, access: Access = "owner", handle: Callable[[Call], Any] = lambda call: None) -> Response:
    operation = Operation(
        operation_id="look",
        method="GET",
        path="/{place}",
        access=access,
        parameters=[PLACE, COLOUR, LIMIT, SUBSPACE],
        subspace=SUBSPACE,
        handle=lambda call: json_response(handle(call)),
    )
    settings = Settings()
    return Application(settings, cast(Any, None), Observability(settings)).respond(operation, request)


def value_of(response: Response) -> Any:
    return json.loads(cast(str, response.body))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (request_of(caller=None), "unauthorized"),
        (request_of(shape="round"), "invalid_request"),
        (request_of(colour="red,blue"), "invalid_request"),
        (request_of(colour="green"), "invalid_request"),
        (request_of(limit="0"), "invalid_request"),
        (request_of(place="a%0Ab"), "invalid_request"),
        (request_of(owner="x" * 255), "invalid_request"),
    ],
)
def test_the_function_runs_only_for_what_fits_the_declaration(request_: Request, code: str) -> None:
    seen: list[Call] = []
    assert value_of(respond(request_, handle=seen.append))["code"] == code
    assert not seen


def test_parameters_have_the_types_of_their_declarations() -> None:
    request = request_of(place="a%2Fb", colour="blue", limit="7")
    assert value_of(respond(request, handle=lambda call: [call[PLACE], call[COLOUR], call[LIMIT]])) == [
        "a/b",
        "blue",
        7,
    ]
    defaults = respond(request_of(), handle=lambda call: [call[COLOUR], call[LIMIT]])
    assert value_of(defaults) == ["red", Settings.page_size]


def test_a_public_operation_takes_any_query_and_has_no_owner() -> None:
    request = request_of(caller=None, code="of-a-sign-in")
    assert respond(request, "public").status == 200
    assert value_of(respond(request, "public", lambda call: call.owner))["code"] == "internal_error"


def test_a_subspace_is_inside_the_caller() -> None:
    assert value_of(respond(request_of(), handle=lambda call: call.owner)) == ALICE
    assert value_of(respond(request_of(owner="../bob"), handle=lambda call: call.owner)) == f"{ALICE}/../bob"


def test_a_parameter_that_is_not_declared_has_no_value() -> None:
    other = query_text("other", "")
    assert respond(request_of(), handle=lambda call: call[other]).status == 500


@pytest.mark.parametrize(("limit", "remaining", "seconds"), [(25, 29, 25), (25, 10, 7), (25, 2, 1)])
def test_a_run_ends_early_enough_to_be_ended_in_the_database(limit: float, remaining: float, seconds: float) -> None:
    request = request_of(remaining_seconds=remaining)
    left = value_of(respond(request, handle=lambda call: call.deadline(limit) - call.request.received))
    assert left == pytest.approx(seconds)
