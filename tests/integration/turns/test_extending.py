"""Every example of docs/extending.md, run as it stands there."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws
from strands import Agent

from agent.models import build_model
from api.application import Application
from api.observability import Observability
from api.request import Request
from api.settings import Settings
from infra_cdk.agent_permissions import read_agent_permissions
from infra_cdk.layer_build import locked_requirements
from session_store.repository import PostgreSQLSessionRepository
from tests.integration.turns.turning import Turns
from tests.support.scripted_model import ScriptedModel, Step, UseTool
from turns.agent_turn import AgentTurn
from turns.answer import ProcessAnswer
from turns.projections import whole

PAGE = (Path(__file__).resolve().parents[3] / "docs/extending.md").read_text()
AWS_CREDENTIALS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "x") | {
    "AWS_DEFAULT_REGION": "eu-west-1"
}
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))


def example(heading: str, number: int = 0) -> SimpleNamespace:
    """The section's code, its first or the one of that number, as a module."""
    code = re.findall(r"```python\n(.*?)```", SECTIONS[heading], re.S)[number]
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, f"docs/extending.md: {heading}", "exec", dont_inherit=True), names)  # noqa: S102 - our own page
    return SimpleNamespace(**names)


def hold(turns: Turns, heading: str, model: ScriptedModel, **request: Any) -> ProcessAnswer:
    """One turn of the section's agent."""
    build_agent = example(heading).build_agent
    return whole.answer(turns.begin(lambda turn: build_agent(replace(turn, load_model=lambda: model)), **request))


def use(turns: Turns, *steps: Any, prompt: Any = "hello") -> ProcessAnswer:
    """One turn of an agent with the page's tools."""
    tools = example("Your own tools").TOOLS

    def build(turn: AgentTurn) -> Agent:
        manager = turn.session_manager
        return Agent(model=ScriptedModel(*steps), tools=tools, session_manager=manager, callback_handler=None)

    return whole.answer(turns.begin(build, prompt))


def repeat_result(messages: Any) -> Step:
    return str(messages[-1]["content"][0]["toolResult"]["content"][0]["text"])


def test_an_agent(turns: Turns) -> None:
    model = ScriptedModel("Hello")
    assert hold(turns, "Your agent", model)["response"] == "Hello"
    assert model.calls[0]["system_prompt"] == "You answer in one sentence."


def test_a_memory_is_found_in_another_session(turns: Turns) -> None:
    model = ScriptedModel(UseTool("add_memory", {"entries": ["The user likes green tea"]}), "Noted.", "Green tea.")
    hold(turns, "Memories", model, prompt="I like green tea")
    hold(turns, "Memories", model, prompt="Which tea do I like?", session_id="another")
    assert "The user likes green tea" in str(model.calls[-1]["messages"])


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (UseTool("count_words", {"text": "one two three"}), "3"),
        (UseTool("count_words", {"text": " "}), "Error: the text is empty"),
        (UseTool("look_up_order", {"number": "7"}), "Order 7 has been shipped."),
        (UseTool("who_is_asking", {}), "alice"),
    ],
)
def test_a_tools_result_is_what_the_model_reads(turns: Turns, call: UseTool, result: str) -> None:
    assert use(turns, call, repeat_result)["response"] == result


def test_an_image_is_stored_with_its_bytes(turns: Turns, repository: PostgreSQLSessionRepository) -> None:
    use(turns, UseTool("draw_chart", {}), "There it is.")
    (result,) = repository.list_messages("s", "default")[2].message["content"]
    image = result["toolResult"]["content"][0]["image"]
    assert image["source"]["bytes"].startswith(b"\x89PNG")


@pytest.mark.parametrize(("answer", "result"), [("yes", "Order 7 is deleted."), ("no", "The order was kept.")])
def test_a_tool_waits_for_a_human(turns: Turns, answer: str, result: str) -> None:
    (question,) = use(turns, UseTool("delete_order", {"number": "7"}))["interrupts"]  # type: ignore[typeddict-item]
    assert question["reason"] == {"order": "7"}
    response = [{"interruptResponse": {"interruptId": question["id"], "response": answer}}]
    assert use(turns, repeat_result, prompt=response)["response"] == result


def test_a_tenant_has_a_prompt_of_its_own(turns: Turns) -> None:
    model = ScriptedModel("Hi")
    hold(turns, "Prompts", model, claims={"custom:tenant": "initech"})
    assert model.calls[0]["system_prompt"] == "You work for Initech. Be brief."


@pytest.mark.parametrize(("amount", "result"), [(100, "Paid 100."), (101, "More than 100 needs an approval.")])
def test_a_hook_refuses_a_tool_call(turns: Turns, amount: int, result: str) -> None:
    model = ScriptedModel(UseTool("pay", {"amount": amount}), repeat_result)
    assert hold(turns, "Hooks", model)["response"] == result


def test_a_conversation_manager_of_another_kind_goes_on_from_turn_to_turn(turns: Turns) -> None:
    answers = [hold(turns, "Conversation managers", ScriptedModel(word))["response"] for word in ("one", "two")]
    assert answers == ["one", "two"]


def test_an_mcp_server_is_kept_by_the_process(turns: Turns) -> None:
    module = example("MCP servers")

    def ask(number: int) -> str:
        model = ScriptedModel(UseTool("whoami", {}), repeat_result)
        build = lambda turn: module.build_agent(replace(turn, load_model=lambda: model))  # noqa: E731
        return whole.answer(turns.begin(build, session_id=f"s{number}"))["response"]

    try:
        assert len({ask(number) for number in range(3)}) == 1
    finally:
        module.kept.stop(None, None, None)


def test_a_graph_answers_with_its_last_node(turns: Turns) -> None:
    model = ScriptedModel("a draft", "a better one")
    assert hold(turns, "A Graph or a Swarm", model)["response"] == "a better one"
    assert [call["system_prompt"] for call in model.calls] == ["Write a draft.", "Improve the draft."]


def test_a_swarm_answers_with_the_agent_it_ended_with(turns: Turns) -> None:
    hand_over = UseTool("handoff_to_agent", {"agent_name": "writer", "message": "write"})
    model = ScriptedModel([hand_over], "handed over", "written")
    build_agent = example("A Graph or a Swarm", 1).build_agent
    turn = turns.begin(lambda turn: build_agent(replace(turn, load_model=lambda: model)))
    assert whole.answer(turn)["response"] == "written"


class OpenAIServer(BaseHTTPRequestHandler):
    """Says "Hello" in OpenAI's streaming form."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta, finish_reason in (({"role": "assistant", "content": "Hello"}, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def openai_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OpenAIServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_server_that_speaks_openais_protocol_answers(turns: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = re.findall(r"\$ (.*) make local", SECTIONS["An OpenAI-compatible server"])
    variables = dict(assignment.split("=", 1) for assignment in command.split())
    with openai_server() as url:
        for name, value in (variables | {"OPENAI_BASE_URL": url}).items():
            monkeypatch.setenv(name, value)
        model = build_model(variables["MODEL_PROVIDER"], variables["MODEL_ID"])
        assert hold(turns, "Your agent", cast(Any, model))["response"] == "Hello"


def test_a_dependency_of_the_named_group_is_in_the_layer() -> None:
    (group,) = re.findall(r"uv add --group (\w+) PACKAGE", SECTIONS["A dependency"])
    assert group == "app"
    assert "aws-lambda-powertools==" in locked_requirements("bedrock")  # a package of this group alone


def test_what_tools_need_in_aws_is_read_from_one_file(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", SECTIONS["Permissions, variables and secrets"], re.S)
    (tmp_path / "permissions.toml").write_text(text)
    permissions = read_agent_permissions(tmp_path / "permissions.toml")
    assert permissions.variables == {"ORDERS_TABLE": "orders"}
    assert permissions.secrets == {"WEATHER_SECRET": "prod/weather"}
    assert [statement.actions for statement in permissions.statements] == [["dynamodb:GetItem"]]


def test_a_tool_reads_its_secret_by_the_name_in_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHER_SECRET", "prod/weather")
    for name, value in AWS_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("secretsmanager").create_secret(Name="prod/weather", SecretString="12345")
        tool = example("Permissions, variables and secrets").weather_key_length
        assert tool() == 5


def test_a_route_answers_its_verified_caller() -> None:
    (operation,) = example("A route").OPERATIONS
    now = time.monotonic()
    request = Request("GET", "/greetings/Ann", {"name": "Ann"}, {}, {}, lambda: b"", "iam:AIDAALICE", "1", now, now + 9)
    settings = Settings()
    response = Application(settings, cast(Any, None), Observability(settings)).respond(operation, request)
    assert response.status == 200
    assert json.loads(cast(str, response.body)) == {"greeting": "Hello, Ann", "owner": "iam:AIDAALICE"}
