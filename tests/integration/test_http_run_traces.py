"""GET /runs/{run_id}/trace and GET /agent, called with REST proxy events and over ASGI."""

import pytest

from tests.support.http_api import BOB, HttpApi, load_handler

TRACE = "/runs/{run_id}/trace"


def ask(api: HttpApi, prompt: str) -> str:
    return api.call("POST", "/process", body={"prompt": prompt}).json["run_id"]


def test_a_run_says_what_it_did(api: HttpApi) -> None:
    run_id = ask(api, 'tool: calculator {"expression": "6*7"}\nthen\nsay: the secret')
    answer = api.call("GET", TRACE, run_id=run_id)
    trace, spans = answer.json, answer.json["spans"]
    assert (trace["run_id"], trace["status"], trace["omitted"], trace["cost_dollars"]) == (run_id, "completed", 0, None)
    assert [span["kind"] for span in spans[:4]] == ["restore", "model", "flush", "tool"]
    assert {span["kind"] for span in spans[4:6]} == {"flush", "model"}
    answered = next(span for span in spans[4:6] if span["kind"] == "model")
    assert (spans[3]["name"], spans[3]["status"]) == ("calculator", "success")
    assert (answered["name"], answered["input_tokens"], answered["output_tokens"]) == ("scripted", 1, 1)
    assert spans[-1]["start_ms"] <= spans[-1]["end_ms"] == trace["total_ms"]  # by the database's clock
    assert "secret" not in answer.body
    assert "6*7" not in answer.body


def test_a_run_of_another_caller_or_of_nobody_is_404(api: HttpApi) -> None:
    run_id = ask(api, "Hello")
    for user, name in ((BOB, run_id), (BOB, "no id"), (BOB, "00000000-0000-4000-8000-000000000000")):
        answer = api.call("GET", TRACE, user=user, run_id=name)
        assert (answer.status, answer.code) == (404, "run_not_found")


def test_a_run_costs_what_its_models_are_priced_at(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ask(api, "Hello")
    for prices, cost in (('{"scripted": [3, 15.5]}', 0.0000185), ('{"another": [3, 15]}', None)):
        monkeypatch.setenv("MODEL_PRICES", prices)
        api.handlers["sessions"] = load_handler("sessions")
        trace = api.call("GET", TRACE, run_id=run_id).json
        assert (trace["cost_dollars"], trace["spans"][1]["cost_dollars"]) == (cost, cost)


def test_the_agent_says_what_it_is_but_not_what_it_is_told(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    described = api.call("GET", "/agent").json
    (agent,) = described["agents"]
    assert (described["agent_id"], agent["node"], agent["model_id"]) == ("default", None, "scripted")
    assert agent["provider"] == "tests.support.scripted_model"
    tools = {tool["name"]: tool for tool in agent["tools"]}
    assert sorted(tools) == ["calculator", "delete_file", "remember_note"]
    assert tools["calculator"]["description"].startswith("Compute.")
    assert tools["calculator"]["input_schema"]["required"] == ["expression"]
    assert described["suggestions"]
    assert agent["system_prompt"] is None
    monkeypatch.setenv("SHOW_SYSTEM_PROMPT", "true")
    api.handlers["process"] = load_handler("process")
    assert api.call("GET", "/agent").json["agents"][0]["system_prompt"] == "Be brief."
    assert api.call("GET", "/sessions").json["sessions"] == []  # nothing has begun


def test_the_agent_is_nobodys_to_ask_about_without_an_identity(api: HttpApi) -> None:
    assert api.call("GET", "/agent", user=None).status == 401
