"""The real model server with real weights. What it says is its own: held are the form and its few skills."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from strands import Agent

from agent.models import build_model
from local.model import LocalModel, LocalModelError
from local.model.prompt import CONTEXT_TOKENS, MAX_REPLY_TOKENS
from tests.support.agent import calculator
from tests.support.waiting import wait_until

CALCULATOR = {"type": "function", "function": {"name": "calculator", "description": "", "parameters": {}}}
SUM = {"messages": [{"role": "user", "content": "What is 17 times 23?"}], "tools": [CALCULATOR]}


pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    with LocalModel() as model:
        yield model


@pytest.fixture
def client(model: LocalModel) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=model.url, timeout=60, trust_env=False) as client:
        yield client


def test_it_is_healthy_and_on_loopback_alone(model: LocalModel) -> None:
    assert model.url.startswith("http://127.0.0.1:")
    answer = httpx.get(model.url.removesuffix("/v1") + "/health", trust_env=False)
    assert answer.json() == {"status": "ok", "model": "SmolLM2-135M-Instruct"}


def test_a_whole_completion_has_openais_shape(client: httpx.Client) -> None:
    answer = client.post("/chat/completions", json=_saying("Hello, my name is Alice")).json()

    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert 0 < usage["completion_tokens"] < usage["total_tokens"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]


def test_a_stream_gives_a_chunk_a_token_then_the_reason_the_usage_and_the_end(client: httpx.Client) -> None:
    request = _saying("Tell me a story") | {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 12}

    lines = [line for line in client.post("/chat/completions", json=request).text.split("\n\n") if line]

    assert lines.pop() == "data: [DONE]"
    *chunks, last, usage = [json.loads(line.removeprefix("data: ")) for line in lines]
    texts = [chunk["choices"][0]["delta"]["content"] for chunk in chunks]
    assert len(texts) > 5
    assert max(map(len, texts)) < 25
    assert last["choices"][0]["delta"] == {}
    assert last["choices"][0]["finish_reason"] in {"stop", "length"}
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] >= len(texts)


def test_usage_is_not_streamed_unasked(client: httpx.Client) -> None:
    assert '"usage"' not in client.post("/chat/completions", json=_saying("Hello") | {"stream": True}).text


@pytest.mark.parametrize("stream", [False, True])
def test_a_sum_is_answered_with_a_call_of_the_calculator(client: httpx.Client, stream: bool) -> None:
    answer = client.post("/chat/completions", json=SUM | {"stream": stream})

    if stream:
        chunks = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line and "[DONE]" not in line]
        message, reason = chunks[0]["choices"][0]["delta"], chunks[1]["choices"][0]["finish_reason"]
    else:
        message, reason = answer.json()["choices"][0]["message"], answer.json()["choices"][0]["finish_reason"]
    [call] = message["tool_calls"]
    assert reason == "tool_calls"
    assert call["type"] == "function"
    assert call["id"].startswith("call_")
    assert call["function"]["name"] == "calculator"
    assert json.loads(call["function"]["arguments"]) == {"expression": "17 * 23"}


def test_a_tool_that_is_not_offered_is_not_called(client: httpx.Client) -> None:
    other = {"type": "function", "function": {"name": "current_time"}}
    for tools in ([], [other]):
        answer = client.post("/chat/completions", json=SUM | {"tools": tools, "max_tokens": 9}).json()
        assert "tool_calls" not in answer["choices"][0]["message"]


def test_max_tokens_ends_a_reply_by_its_length(client: httpx.Client) -> None:
    answer = client.post("/chat/completions", json=_saying("Tell me a story") | {"max_tokens": 3}).json()
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_text_of_any_length_fits_even_when_each_byte_is_a_token(client: httpx.Client) -> None:
    text = "🦊" * 2000 + "\x00\u202e\ufffd" * 1000
    answer = client.post("/chat/completions", json=_saying(text) | {"max_tokens": 1}).json()
    assert answer["usage"]["total_tokens"] < CONTEXT_TOKENS - MAX_REPLY_TOKENS


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "Invalid JSON"),
        (b"{}", "messages: Field required"),
        (b'{"messages": []}', "messages: List should have at least 1 item"),
        (b'{"messages": [{"role": "king", "content": "hi"}]}', "messages.0.role"),
        (b'{"messages": [{"role": "user", "content": 7}]}', "messages.0.content"),
        (b'{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 0}', "max_tokens"),
    ],
)
def test_a_bad_request_is_400_with_the_field(client: httpx.Client, body: bytes, told: str) -> None:
    answer = client.post("/chat/completions", content=body)
    assert answer.status_code == 400
    assert told in answer.json()["error"]["message"]


def test_requests_at_once_are_all_answered(model: LocalModel) -> None:
    names = ["Alice", "Bob", "Carol", "Dmitri"]

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=model.url, timeout=120, trust_env=False) as client:
            requests = [client.post("/chat/completions", json=_saying(*_introduction(name))) for name in names]
            return await asyncio.gather(*requests)

    texts = [answer.json()["choices"][0]["message"]["content"] for answer in asyncio.run(ask_all())]
    assert [[name for name in names if name in text] for text in texts] == [[name] for name in names]


def test_clients_that_go_away_leave_the_engine_to_the_next(model: LocalModel) -> None:
    """Forty long replies would hold it for two minutes; the one who stays waits for none of them."""
    story = _saying("Tell me a story") | {"stream": True, "temperature": 50}

    async def leave_and_ask() -> httpx.Response:
        async with httpx.AsyncClient(base_url=model.url, timeout=60, trust_env=False) as client:
            leaving = [await client.send(client.build_request("POST", "/chat/completions", json=story), stream=True)]
            await anext(leaving[0].aiter_bytes())
            for _ in range(39):
                request = client.build_request("POST", "/chat/completions", json=story)
                leaving.append(await client.send(request, stream=True))
            for response in leaving:
                await response.aclose()
            return await client.post("/chat/completions", json=_saying("Hello"))

    assert asyncio.run(leave_and_ask()).status_code == 200


def test_an_agent_remembers_a_name_and_uses_its_calculator(model: LocalModel) -> None:
    agent = Agent(model=build_model("local", local_url=model.url), tools=[calculator], callback_handler=None)

    agent("Hello, my name is Alice")
    total = agent("What is 17 times 23?")
    name = agent("What is my name?")

    assert "391" in str(total)
    assert "Alice" in str(name)
    used = [
        block["toolUse"]["input"] for message in agent.messages for block in message["content"] if "toolUse" in block
    ]
    assert used == [{"expression": "17 * 23"}]
    assert name.metrics.accumulated_usage["outputTokens"] > 0


def test_it_ends_with_its_owner() -> None:
    with LocalModel() as model:
        assert _answers(model.url)
    assert not _answers(model.url)


def test_it_ends_with_an_owner_that_is_killed() -> None:
    program = "from local.model import LocalModel\nwith LocalModel() as model: print(model.url, flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as owner:
        assert owner.stdout
        url = owner.stdout.readline().strip()
        assert _answers(url)
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: not _answers(url))


def test_a_port_that_is_taken_is_an_error(model: LocalModel) -> None:
    port = int(model.url.removesuffix("/v1").rpartition(":")[2])
    with pytest.raises(LocalModelError), LocalModel(port):
        pass


def _saying(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]}


def _introduction(name: str) -> tuple[str, str, str]:
    return f"Hello, my name is {name}", f"Hello, {name}!", "What is my name?"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url.removesuffix("/v1") + "/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
