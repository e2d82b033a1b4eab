"""Generated requests of two owners against the handlers, held to the served OpenAPI document.

Those of Alice come as API Gateway's events, those of Bob over ASGI.

`FUZZ_EXAMPLES` says how many of each kind; each test holds that it sent so many times that: 38 in all, so 380
requests in `make test` and 100,000 in `make fuzz`.
"""

import base64
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode
from werkzeug.test import Client

from agent.models import build_model_once
from api.parameters import END_USER
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import ALICE, BOB
from tests.support.wsgi_api import WsgiApi, load_handlers

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES <= 10,  # the same cases in every ordinary run, others in `make fuzz`
    suppress_health_check=list(HealthCheck),
    stateful_step_count=20,
)
PRINTABLE = st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" ")
MARKS = {ALICE: "the marmalade of Alice", BOB: "the bicycle of Bob"}

schemathesis.openapi.format("printable-text", st.text(PRINTABLE, min_size=1, max_size=255))
load_all_checks()
# The gateway answers these before any handler is asked.
OF_THE_GATEWAY = ["unsupported_method", "allow_header_conformance", "ignored_auth"]


@dataclass
class World:
    """Both owners' APIs over one database, and ids that mean something in it."""

    apis: dict[str, WsgiApi]
    database_url: str
    known: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    sent: int = 0
    seen: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])

    def check(self, user: str, operation: str, status: int, body: str) -> None:
        """Nothing of the other owner's, nothing that Lambda would not take, and no failure told inside a stream."""
        self.sent += 1
        self.seen[operation, status] += 1
        for other, mark in MARKS.items():
            assert other == user or mark not in body
        assert len(json.dumps(body)) < 6 * 1024 * 1024
        assert '"code":"internal_error"' not in body

    def forget(self, user: str) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute("DELETE FROM sessions WHERE owner = %s", (f"iam:{user}",))

    def missed(self, answers: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Which of these were not among the answers: a fuzz that meets only refusals shows little."""
        return [answer for answer in answers if not self.seen[answer]]


@pytest.fixture
def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    monkeypatch.setenv("MODEL_PROVIDER", "tests.support.scripted_model:build")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    build_model_once.cache_clear()
    handlers = load_handlers()
    world = World({ALICE: WsgiApi(handlers, ALICE), BOB: WsgiApi(handlers, BOB, edge="asgi")}, database_url)
    populate(world)
    yield world
    open_store(StoreSettings(url=database_url)).close()


def populate(world: World) -> None:
    """With what requests are to find, and with what the other owner must not."""
    world.known = {"session_id": [], "run_id": [], "cursor": [], "agent_id": ["default"]}
    for user, api in world.apis.items():
        client = Client(api)
        for session_id in ("user-123", f"{user}'s own", "50%25/?#"):
            answer = client.post("/process", json={"prompt": MARKS[user], "session_id": session_id})
            world.known["session_id"].append(session_id)
            world.known["run_id"].append(answer.json["run_id"])
        for path in ("/sessions?limit=1", "/sessions/user-123/history?limit=1"):
            world.known["cursor"].append(str(client.get(path).json["next_cursor"]))


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("user", MARKS)
def test_generated_requests_are_answered_as_documented(world: World, user: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", world.apis[user]).exclude(operation_id="createRun")
    populate(world)
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.POSITIVE or takes_something(operation):
            send_generated(world, user, operation, mode)
            if operation.method.upper() == "DELETE":
                populate(world)
    assert world.sent >= 7 * EXAMPLES
    assert mode is GenerationMode.NEGATIVE or not world.missed(FOUND)


def takes_something(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


def send_generated(world: World, user: str, operation: Any, mode: GenerationMode) -> None:
    @SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def send(case: Any, data: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            use_known(world, case, data)
        response = case.call()
        world.check(user, operation.label, response.status_code, response.text)
        case.validate_response(response, excluded_checks=excluded_checks(case, response))

    send()


def excluded_checks(case: Any, response: Any) -> Any:
    names = list(OF_THE_GATEWAY)
    if case.operation.path in STREAMS:
        names.append("response_schema_conformance")  # a schema says nothing about events
    if response.status_code == 413:
        names.append("negative_data_rejection")  # it is refused, by a status that the check does not expect
    if response.status_code == 410 or any(words in response.text for words in BEYOND_SCHEMAS):
        names.append("positive_data_acceptance")
    if case.headers and case.headers.get("Last-Event-ID") == "":
        names.append("negative_data_rejection")  # as if there were none: a client that has met no id may send it so
    if case.operation.path in STOCK_CLIENTS and is_unsaid(response.text):
        names.append("positive_data_acceptance")  # no schema says how an item depends on those around it
    return CHECKS.get_by_names(names)


STOCK_CLIENTS = ("/ag-ui", "/chat")
STREAMS = ("/process-streaming", *STOCK_CLIENTS, "/chat/{chat_id}/stream")


def is_unsaid(problem: str) -> bool:
    """Whether a body is refused for what its schema cannot say."""
    reasons = ('"field":"messages', '"field":"resume"', "approval.id", "without a blank member", "awaiting_response")
    tools = "is the name of another tool", "must be the JSON Schema of an object"
    return any(reason in problem for reason in (*reasons, *tools))


# Valid, and refused: for what another field is, for how deep or long the whole is, or for what came before. So is a
# run whose events are not stored, by 410.
BEYOND_SCHEMAS = (
    "idempotency_key_reused",
    "is another one than Last-Event-ID",
    "is answered twice",
    ".bytes is no ",
    "names no upload of this session",
    "uploads_not_taken",
    "size_bytes must be 1 to ",
    ".bytes must be 1 to ",
    "must have a text beside its document",
    "must have at most ",
    "comes without a cursor, and without other conditions",
    "needs a session_id",
    "cannot come with answers to interrupts",
    "must have no NUL and no lone surrogate",
    "levels deep",
    "must take at most",
)


def use_known(world: World, case: Any, data: Any) -> None:
    """Ids that exist, for this owner or the other, where chance alone would never find one; mostly no end user, as none
    of them has a session.
    """
    if case.headers and data.draw(st.integers(0, 9)):
        case.headers.pop(END_USER.name, None)
    for place in (case.path_parameters, case.query):
        for name in set(place or ()) & set(world.known):
            if data.draw(st.booleans()) and (name, case.operation.path) != ("cursor", HISTORY):
                known = st.sampled_from(world.known[name])
                value = data.draw(known | FORGED if name == "cursor" else known)
                place[name] = quote(value, safe="") if place is case.path_parameters else value


HISTORY = "/sessions/{session_id}/history"
RUN = "/runs/{run_id}"
FOUND = [
    ("POST /process", 200),
    ("POST /process-streaming", 200),
    ("GET /sessions", 200),
    (f"GET {HISTORY}", 200),
    ("GET /sessions/{session_id}/export", 200),
    ("GET /sessions/{session_id}/agents/{agent_id}", 200),
    ("DELETE /sessions/{session_id}", 204),
    (f"GET {RUN}", 200),
    (f"POST {RUN}/cancel", 202),
]


# Those that answers lead to and from: a sequence is not to be spent on others.
LINKED = ["process", "listSessions", "readSession", "readHistory", "forkSession", "exportSession", "deleteSession"]
FOUND_BY_LINKS = [("POST /process", 200), (f"GET {HISTORY}", 200), ("DELETE /sessions/{session_id}", 204)]
# By itself schemathesis would begin with the list only: so it asks the agent too, and follows the links of its answers.
TO_PROCESS = {
    "operationId": "process",
    "requestBody": {"session_id": "$response.body#/sessions/0/session_id", "prompt": "Hello"},
}


@pytest.mark.parametrize("user", MARKS)
def test_sequences_of_requests_are_answered_as_documented(world: World, user: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", world.apis[user]).include(operation_id=LINKED)
    schema.raw_schema["paths"]["/sessions"]["get"]["responses"]["200"]["links"]["process"] = TO_PROCESS

    class Sequence(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            world.forget(user)  # the same requests meet the same answers, or Hypothesis cannot tell what it varies
            Client(world.apis[user]).post("/process", json={"prompt": MARKS[user]})

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            world.check(user, case.operation.label, response.status_code, response.text)
            case.validate_response(response, excluded_checks=excluded_checks(case, response))

    run_state_machine_as_test(Sequence, settings=SETTINGS)
    assert world.sent >= 4 * EXAMPLES
    assert not world.missed(FOUND_BY_LINKS)


TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
REQUESTS = st.fixed_dictionaries({"prompt": VALUES | TEXT}, optional={"session_id": VALUES | TEXT, "other": VALUES})
DEEP = st.integers(1, 5_000).map(lambda depth: '{"prompt":' + "[" * depth + "]" * depth + "}")
HUGE = st.sampled_from([99_999, 100_001, 2_000_000]).map(lambda size: json.dumps({"prompt": "\0" * size}))
WIDE = st.sampled_from([1, 50_000]).map(lambda count: json.dumps({f'"{number}': 1 for number in range(count)}))
ASKED = st.fixed_dictionaries({"prompt": TEXT}).map(json.dumps)
BODIES = st.binary(max_size=60) | st.one_of(
    VALUES.map(json.dumps), REQUESTS.map(json.dumps), ASKED, ASKED, DEEP, HUGE, WIDE
).map(str.encode)
OTHER_MEDIA_TYPES = ["application/json; charset=utf-16", "text/plain", "", "/"]
OTHER_MEDIA_TYPES += ["application/json; charset*" + "9" * 5_000 + "=x"]
MEDIA_TYPES = st.sampled_from(["application/json", "application/json; charset=utf-8"]) | st.sampled_from(
    ["application/json", *OTHER_MEDIA_TYPES]
)
FORGED = (VALUES.map(json.dumps) | st.integers(1, 5_000).map(lambda depth: "[" * depth)).map(
    lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") or "x"
)


@pytest.mark.parametrize("path", ["/process", "/process-streaming"])
def test_any_bytes_are_answered_or_refused_by_the_table(world: World, path: str) -> None:
    documented = set(json.loads(Client(world.apis[ALICE]).get("/openapi.json").text)["components"]["examples"])

    @SETTINGS
    @example(body=b'{"prompt": "Hello"}', media_type="application/json", user=ALICE, key=None)
    @given(body=BODIES, media_type=MEDIA_TYPES, user=st.sampled_from([ALICE, BOB]), key=st.none() | TEXT)
    def send(body: bytes, media_type: str, user: str, key: str | None) -> None:
        headers = {} if key is None else {"Idempotency-Key": key.encode(errors="replace").decode("latin-1")}
        headers = {name: value for name, value in headers.items() if value.isprintable()}
        answer = Client(world.apis[user]).post(path, data=body, content_type=media_type, headers=headers)
        world.check(user, path, answer.status_code, answer.text)
        if answer.status_code != 200:
            assert answer.status_code < 500, answer.text
            assert answer.json["code"] in documented

    send()
    assert world.sent >= EXAMPLES
    assert not world.missed((path, status) for status in (200, 400, 415, 422))
