"""Answers have the documented shape, on the documented routes, for their owner alone."""

from local.gateway.table import load_table
from tests.integration.stage import DOCUMENT, Stage, check_schema
from tests.support.http_api import ROOT

HISTORY = "/sessions/{session_id}/history"
AGENT = "/sessions/{session_id}/agents/{agent_id}"
RUN = "/runs/{run_id}"
FORKS = "/sessions/{session_id}/forks"
NO_MEMORY = "00000000-0000-4000-8000-000000000000"


def test_answers_have_the_documented_shape(stage: Stage) -> None:
    asked = stage.ask()
    check_schema("ProcessAnswer", asked.json)
    check_schema("SessionList", stage.api.call("GET", "/sessions").json)
    check_schema("History", stage.api.call("GET", HISTORY, session_id="user-123").json)
    check_schema("Fork", stage.api.call("POST", FORKS, session_id="user-123", body={}).json)
    check_schema("Session", stage.api.call("GET", "/sessions/{session_id}", session_id="user-123").json)
    check_schema("Agent", stage.api.call("GET", AGENT, session_id="user-123", agent_id="default").json)
    check_schema("Run", stage.api.call("GET", RUN, run_id=asked.json["run_id"]).json)
    check_schema("RunList", stage.api.call("GET", "/sessions/{session_id}/runs", session_id="user-123").json)
    check_schema("UsageReport", stage.api.call("GET", "/usage").json)
    check_schema("Health", stage.api.call("GET", "/health").json)
    check_schema("DatabaseHealth", stage.api.call("GET", "/health/db").json)
    served = stage.api.call("GET", "/openapi.json").json
    stage_prefix = "/prod" if stage.api.edge == "api_gateway" else "/"  # as the recorded event has it
    assert served["servers"] == [{**DOCUMENT["servers"][0], "url": stage_prefix}]
    assert {**served, "servers": DOCUMENT["servers"]} == DOCUMENT
    page = stage.api.call("GET", "/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_route_of_the_table_is_served_by_its_function(stage: Stage) -> None:
    for route in load_table(ROOT / "functions/functions.toml").deployed():
        if route.function.name in stage.api.handlers:
            names = dict.fromkeys(("session_id", "run_id", "agent_id", "attachment_id", "chat_id"), "none")
            names |= {"memory_id": NO_MEMORY, "file": "marked.js" if "/vendor/" in route.path else "main.js"}
            answer = stage.api.call(route.method, route.path, **names)
            assert "route_not_found" not in answer.body, route


def test_what_is_not_served_is_404(stage: Stage) -> None:
    answer = stage.api.call("GET", "/nothing")
    assert (answer.status, answer.code) == (404, "route_not_found")


def test_no_header_path_or_body_makes_another_owner(stage: Stage) -> None:
    stage.ask()
    forged = {
        "Authorization": "AIDAALICE",
        "X-Amzn-Oidc-Identity": "AIDAALICE",
        "X-Owner": "iam:AIDAALICE",
        "X-Forwarded-User": "AIDAALICE",
        "owner": "iam:AIDAALICE",
    }
    theirs = {"user": "AIDABOB", "headers": forged}
    assert stage.api.call("GET", "/sessions", **theirs).json["sessions"] == []
    assert stage.api.call("GET", HISTORY, session_id="user-123", **theirs).status == 404
    assert stage.api.call("GET", HISTORY, session_id="user-123", query="owner=iam:AIDAALICE", **theirs).status == 422
    assert stage.api.call("GET", HISTORY, session_id="iam:AIDAALICE/user-123", **theirs).status == 404
    assert stage.ask("echo-history:", **theirs).json["response"].startswith("1: ")
