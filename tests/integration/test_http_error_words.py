"""What a developer reads of an error, with LOG_ERROR_WORDS and without."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from local.gateway import Gateway
from tests.support.waiting import wait_until

TOOL_FAILS = 'tool: calculator {"expression": "marmalade"}\nthen\nsay: done'
MODEL_FAILS = "fail: no marmalade left"


@pytest.fixture(params=[True, False], ids=["with words", "without words"])
def words(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def client(database_url: str, words: bool) -> Iterator[httpx.Client]:
    environment = {
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "LOG_ERROR_WORDS": str(words).lower(),
    }
    with (
        Gateway(environment, port=0, backend_port=0) as gateway,
        httpx.Client(base_url=gateway.url, timeout=60) as client,
    ):
        yield client


def test_an_error_shows_its_words_where_they_are_allowed_and_its_kind_to_the_caller(
    client: httpx.Client, words: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "local.gateway.environment")
    assert client.post("/process", json={"prompt": TOOL_FAILS}).json()["response"] == "done"
    answer = client.post("/process", json={"prompt": MODEL_FAILS})
    assert (answer.status_code, answer.json()["code"]) == (502, "model_failed")
    assert answer.json()["detail"] == "the model failed: RuntimeError"
    wait_until(lambda: caplog.text.count('"status"') == 2)
    seen = [text in caplog.text for text in ("name 'marmalade' is not defined", "no marmalade left", "Traceback (most")]
    assert seen == [words] * 3
    assert "NameError" in caplog.text
