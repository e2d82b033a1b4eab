"""The exec wrapper and its runtime, as a process of its own, seen at the Runtime API."""

import asyncio
import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from local.gateway.environment import DEPLOYED_RUNTIME, Environment
from local.gateway.gateway import ROOT
from local.gateway.invocation import Invocation, InvocationError
from local.gateway.limits import Limits
from local.gateway.runtime_api import RuntimeApi
from local.gateway.table import Function
from tests.integration.runtime_functions.progress import FUNCTIONS, Progress

LAYER = ROOT / "layers" / "response_streaming"
PORTABLE_CLIENT = str(ROOT / "local" / "gateway" / "portable_client")


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path)


def call(name: str, behaviour: str, environment: Mapping[str, str]) -> bytes:
    """What the runtime posts for one event."""
    return asyncio.run(_call(name, behaviour, environment))


def call_unwrapped(behaviour: str) -> bytes:
    """What awslambdaric itself posts."""
    command = [sys.executable, "-m", "awslambdaric", "handler.handler"]
    environment = {**os.environ, "AWS_EXECUTION_ENV": DEPLOYED_RUNTIME}
    return asyncio.run(_serve(command, FUNCTIONS / "ordinary", behaviour, environment))


async def _call(name: str, behaviour: str, extra: Mapping[str, str]) -> bytes:
    function = Function(name, timeout_seconds=10, memory_mb=128, streaming=True)
    environment = Environment(function, FUNCTIONS / name, ROOT / "layers", extra, Limits())
    invocation = Invocation(json.dumps({"pathParameters": {"behaviour": behaviour}}).encode())
    await environment.start(lambda _: None, lambda _: None)
    serving = asyncio.create_task(environment.serve(invocation))
    try:
        return b"".join([piece async for piece in invocation.read()])
    finally:
        invocation.abandon()
        await serving
        await environment.close()


@pytest.mark.parametrize("behaviour", ["echo", "headers", "binary", "malformed"])
def test_ordinary_result_is_the_same_with_and_without_the_wrapper(behaviour: str, progress: Progress) -> None:
    assert call("ordinary", behaviour, progress.environment) == call_unwrapped(behaviour)


def test_ordinary_error_is_the_same_with_and_without_the_wrapper(progress: Progress) -> None:
    def reason(run: Callable[[], bytes]) -> dict[str, Any]:
        with pytest.raises(InvocationError) as failure:
            run()
        return json.loads(str(failure.value)) | {"requestId": ""}

    wrapped = reason(lambda: call("ordinary", "raises", progress.environment))

    assert wrapped == reason(lambda: call_unwrapped("raises"))


def test_stream_is_prelude_delimiter_and_chunks(progress: Progress) -> None:
    prelude, _, payload = call("streams", "proxy", progress.environment).partition(bytes(8))

    assert json.loads(prelude) == {
        "statusCode": 202,
        "multiValueHeaders": {"Content-Type": ["text/event-stream"], "Set-Cookie": ["a=1", "b=2"]},
    }
    assert payload == b"data: 1\n\ndata: 2\n\n"


def test_stream_is_joined_where_the_emulator_cannot_stream(progress: Progress) -> None:
    environment = progress.environment | {"AWS_SAM_LOCAL": "true"}

    response = json.loads(call("streams", "proxy", environment))

    assert (response["statusCode"], response["body"]) == (202, "data: 1\n\ndata: 2\n\n")
    assert response["multiValueHeaders"]["Set-Cookie"] == ["a=1", "b=2"]


def test_stream_that_breaks_where_it_is_joined_is_an_ordinary_error(progress: Progress) -> None:
    with pytest.raises(InvocationError, match='"errorMessage": "midway"'):
        call("streams", "fails_midway", progress.environment | {"AWS_SAM_LOCAL": "true"})


def test_error_midway_is_told_in_the_trailers(progress: Progress) -> None:
    with pytest.raises(InvocationError, match="OSError in the function"):
        call("streams", "fails_midway", progress.environment)


def test_error_before_the_first_chunk_is_an_ordinary_error(progress: Progress) -> None:
    with pytest.raises(InvocationError, match='"errorMessage": "before the first chunk", "errorType": "ValueError"'):
        call("streams", "fails_at_once", progress.environment)


@pytest.mark.parametrize(("name", "behaviour"), [("ordinary", "headers"), ("streams", "proxy")])
def test_portable_client_does_what_the_native_one_does(name: str, behaviour: str, progress: Progress) -> None:
    def answer(path: str) -> bytes:
        environment = {**progress.environment, "PYTHONPATH": path}
        return asyncio.run(_run_as_lambda_does(LAYER, FUNCTIONS / name, behaviour, environment))

    assert answer(PORTABLE_CLIENT) == answer("/nowhere")


def test_portable_client_reports_errors(progress: Progress) -> None:
    environment = {**progress.environment, "PYTHONPATH": PORTABLE_CLIENT}

    with pytest.raises(InvocationError, match='"errorMessage": "the handler raised"'):
        asyncio.run(_run_as_lambda_does(LAYER, FUNCTIONS / "ordinary", "raises", environment))


def test_wrapper_starts_in_lambdas_own_layout(tmp_path: Path, progress: Progress) -> None:
    """/opt holds the layers, /var/runtime awslambdaric; nothing but the wrapper puts them on the path."""
    opt = Path(shutil.copytree(LAYER, tmp_path / "opt"))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    other_layer = opt / "python" / "lib" / version / "site-packages"
    other_layer.mkdir(parents=True)
    (other_layer / "of_another_layer.py").write_text("WORD = 'found'")
    task = tmp_path / "task"
    task.mkdir()
    (task / "handler.py").write_text(
        "import of_another_layer\n"
        "from response_streaming import StreamingResponse\n"
        "def handler(event, context):\n"
        "    return StreamingResponse([of_another_layer.WORD])\n"
    )

    assert asyncio.run(_run_as_lambda_does(opt, task, "", {})).endswith(bytes(8) + b"found")


async def _run_as_lambda_does(opt: Path, task: Path, behaviour: str, extra: Mapping[str, str]) -> bytes:
    """The wrapper as Lambda calls it, with a Python that knows none of our packages by itself."""
    python = Path(sys.base_prefix, "bin", "python3")
    environment = {
        **extra,
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": sysconfig.get_path("purelib"),
        "_HANDLER": "handler.handler",
    }
    return await _serve([opt / "response-streaming", python, "/var/runtime/bootstrap.py"], task, behaviour, environment)


async def _serve(command: Sequence[str | Path], task: Path, behaviour: str, environment: Mapping[str, str]) -> bytes:
    api = RuntimeApi(Function(task.name, 10, 128, streaming=True), Limits())
    await api.listen()
    process = await asyncio.create_subprocess_exec(
        *command, env={**environment, "AWS_LAMBDA_RUNTIME_API": api.address}, cwd=task
    )
    invocation = Invocation(json.dumps({"pathParameters": {"behaviour": behaviour}}).encode())
    api.give(invocation)
    try:
        async with asyncio.timeout(20):
            return b"".join([piece async for piece in invocation.read()])
    finally:
        process.kill()
        await process.wait()
        await api.close()
