"""The life of the runtime processes: failures, limits, changed code, and their end with the gateway's."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from local.gateway import Gateway, Limits, Owner
from local.gateway.gateway import ROOT
from tests.integration.runtime_functions.progress import FUNCTIONS, Progress, wait_until

OWN_CODE = ("layers", "functions")


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return Path(shutil.copytree(FUNCTIONS, tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def gateway(progress: Progress) -> Iterator[Gateway]:
    with build_gateway(progress) as gateway:
        yield gateway


def build_gateway(progress: Progress, functions: Path = FUNCTIONS, **limits: float) -> Gateway:
    return Gateway(
        progress.environment, port=0, backend_port=0, functions=functions, limits=replace(Limits(), **limits)
    )


def get(gateway: Gateway, behaviour: str) -> httpx.Response:
    return httpx.get(f"{gateway.url}/ordinary/{behaviour}", timeout=30)


@pytest.mark.parametrize("behaviour", ["raises", "exits", "killed"])
def test_failed_function_is_a_502_and_the_next_request_is_served(behaviour: str, gateway: Gateway) -> None:
    response = get(gateway, behaviour)
    assert (response.status_code, response.json()["code"]) == (502, "function_failed")
    assert get(gateway, "version").status_code == 200


@pytest.mark.parametrize("name", ["ordinary", "streams"])
def test_function_that_cannot_be_imported_is_a_502_and_the_log_says_why(
    name: str, progress: Progress, functions: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (functions / name / "handler.py").write_text("import a_module_that_is_not_there\n")

    with caplog.at_level(logging.INFO, "local.gateway"), build_gateway(progress, functions) as gateway:
        response = httpx.get(f"{gateway.url}/{name}/version", timeout=30)

    assert (response.status_code, response.json()["code"]) == (502, "function_failed")
    assert "[ERROR] Runtime.ImportModuleError" in caplog.text
    assert "InvalidURL" not in caplog.text  # it could report that to the Runtime API


def test_function_out_of_its_own_time_is_killed(progress: Progress, functions: Path) -> None:
    table = functions / "functions.toml"
    table.write_text(table.read_text().replace("timeout_seconds = 3", "timeout_seconds = 0.3"))

    with build_gateway(progress, functions) as gateway:
        response = get(gateway, "hangs")

        assert (response.status_code, response.json()["code"]) == (502, "function_failed")
        assert int((progress.folder / "hanging").read_text()) not in gateway.process_ids()


def test_gateway_out_of_time_answers_while_the_function_runs_on(progress: Progress) -> None:
    with build_gateway(progress, integration_seconds=0.2) as gateway:
        response = get(gateway, "waits_for_go")
        assert (response.status_code, response.json()["code"]) == (504, "gateway_timeout")

        progress.release()
        wait_until(lambda: progress.finished)


def test_one_process_serves_one_request_after_the_other(gateway: Gateway) -> None:
    assert get(gateway, "version").text == get(gateway, "version").text


def test_requests_at_the_same_time_have_a_process_each(gateway: Gateway, progress: Progress) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(get, gateway, "waits")
        progress.await_handler()
        beside = get(gateway, "version")
        progress.release()

        assert (beside.status_code, waiting.result().text) == (200, "waited")


def test_request_beyond_the_limit_is_throttled(progress: Progress) -> None:
    with build_gateway(progress, concurrency=1, throttle_seconds=0.05) as gateway, ThreadPoolExecutor() as threads:
        waiting = threads.submit(get, gateway, "waits")
        progress.await_handler()
        beyond = get(gateway, "version")
        progress.release()

        assert (beyond.status_code, beyond.json()["code"]) == (429, "too_many_requests")
        assert (beyond.headers["Retry-After"], waiting.result().text) == ("1", "waited")


def test_request_waits_for_a_busy_process(progress: Progress) -> None:
    with build_gateway(progress, concurrency=1) as gateway, ThreadPoolExecutor() as threads:
        first = threads.submit(get, gateway, "waits")
        progress.await_handler()
        second = threads.submit(get, gateway, "version")
        progress.release()

        assert (first.result().status_code, second.result().status_code) == (200, 200)


def test_owner_who_has_every_process_starves_no_other(progress: Progress) -> None:
    with build_gateway(progress, concurrency=1, throttle_seconds=1) as gateway, ThreadPoolExecutor() as threads:
        waiting = threads.submit(get, gateway, "waits")
        progress.await_handler()
        other = f"http://127.0.0.1:{gateway.listen(owner=Owner('AIDAOTHER'))}/ordinary/version"
        end_user = {"End-User": "bob"}
        statuses = [
            httpx.get(other, timeout=30).status_code,
            httpx.get(f"{gateway.url}/ordinary/version", headers=end_user, timeout=30).status_code,
            get(gateway, "version").status_code,
        ]
        progress.release()

        assert statuses == [200, 200, 429]
        assert waiting.result().text == "waited"


def test_changed_code_runs_at_the_next_request(progress: Progress, functions: Path) -> None:
    handler = functions / "ordinary" / "handler.py"

    with build_gateway(progress, functions) as gateway:
        before = get(gateway, "version").text.split()
        handler.write_text(handler.read_text().replace('VERSION = "1"', 'VERSION = "the second"'))
        after = get(gateway, "version").text

        assert before[0] == "1"
        assert after.startswith("the second ")
        assert int(before[1]) not in gateway.process_ids()


def test_busy_process_finishes_on_the_old_code(progress: Progress, functions: Path) -> None:
    handler = functions / "ordinary" / "handler.py"

    with build_gateway(progress, functions) as gateway, ThreadPoolExecutor() as threads:
        first = threads.submit(get, gateway, "waits")
        progress.await_handler()
        old = gateway.process_ids()
        handler.write_text(handler.read_text().replace('VERSION = "1"', 'VERSION = "the second"'))
        assert get(gateway, "version").text.startswith("the second ")
        progress.release()

        assert first.result().text == "waited"
        wait_until(lambda: not set(old) & set(gateway.process_ids()))


def test_changed_table_is_read_at_the_next_request(progress: Progress, functions: Path) -> None:
    table = functions / "functions.toml"

    with build_gateway(progress, functions) as gateway:
        table.write_text(table.read_text().replace("/public", "/renamed"))

        assert httpx.get(f"{gateway.url}/renamed").status_code == 200


OPERATION = """
OPERATIONS = (
    *OPERATIONS,
    Operation(operation_id="hello", method="GET", path="/hello", handle=health, access="public"),
)
"""


def test_added_operation_is_served_at_the_next_request(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "dependencies")
    layers, functions = (Path(shutil.copytree(ROOT / each, tmp_path / each, ignore=ignored)) for each in OWN_CODE)
    service, table = layers / "app/python/api/operations/service.py", functions / "functions.toml"
    environment = {"SESSION_BACKEND_URL": "postgresql://127.0.0.1:1/none"}

    with Gateway(environment, port=0, backend_port=0, layers=layers, functions=functions) as gateway:
        assert httpx.get(f"{gateway.url}/hello").status_code == 403
        service.write_text(service.read_text() + OPERATION)
        table.write_text(table.read_text().replace('"health", ', '"health", "hello", '))

        assert httpx.get(f"{gateway.url}/hello", timeout=30).json() == {"status": "ok"}

        service.write_text("OPERATIONS = (")
        assert httpx.get(f"{gateway.url}/hello", timeout=30).status_code == 502  # the route is still there


def test_broken_table_leaves_the_routes_as_they_were(progress: Progress, functions: Path) -> None:
    with build_gateway(progress, functions) as gateway:
        (functions / "functions.toml").write_text("[functions")

        assert httpx.get(f"{gateway.url}/public").status_code == 200


def test_restart_kills_every_process_and_the_next_request_starts_one(
    gateway: Gateway, progress: Progress, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor() as threads:
        busy = threads.submit(get, gateway, "waits")
        progress.await_handler()
        get(gateway, "version")
        before = gateway.process_ids()

        killed = gateway.restart_functions()

        assert killed == before
        assert len(killed) == 2
        assert not any(map(is_running, killed))
        assert busy.result().status_code == 502
        assert get(gateway, "version").status_code == 200
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]  # asked for, no failure


def test_output_of_a_function_becomes_log_lines(progress: Progress, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "local.gateway"), build_gateway(progress) as gateway:
        get(gateway, "logs")
        get(gateway, "raises")

    lines = [record.message for record in caplog.records]
    assert {"ordinary | to standard output", "ordinary | to standard error"} <= set(lines)
    assert "ordinary | [ERROR] ValueError: the handler raised" in lines
    assert "GET /ordinary/raises 502" in lines


def test_processes_and_ports_are_gone_after_the_gateway(progress: Progress) -> None:
    threads = threading.active_count()
    with build_gateway(progress) as gateway:
        get(gateway, "version")
        processes, port = gateway.process_ids(), gateway.port

    assert not any(map(is_running, processes))
    assert threading.active_count() == threads
    with build_gateway(progress), pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}")


def test_taken_port_is_an_error_that_leaves_nothing(gateway: Gateway, progress: Progress) -> None:
    threads = threading.active_count()

    with (
        pytest.raises(OSError, match="address already in use"),
        Gateway(progress.environment, port=gateway.port, backend_port=0, functions=FUNCTIONS),
    ):
        pass

    assert threading.active_count() == threads


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_gateway(ending: signal.Signals, progress: Progress) -> None:
    script = (
        "import sys, time, httpx, pathlib\n"
        "from local.gateway import Gateway\n"
        "with Gateway(port=0, backend_port=0, functions=pathlib.Path(sys.argv[1])) as gateway:\n"
        "    httpx.get(gateway.url + '/public')\n"
        "    print(*gateway.process_ids(), flush=True)\n"
        "    try:\n"
        "        httpx.get(gateway.url + '/ordinary/waits', timeout=60)\n"
        "    finally:\n"
        "        print('ended', flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(FUNCTIONS)]
    environment = os.environ | progress.environment
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as owner:
        assert owner.stdout is not None
        processes = [int(word) for word in owner.stdout.readline().split()]
        progress.await_handler()
        assert processes
        assert all(map(is_running, processes))
        owner.send_signal(ending)
        owner.wait()

    wait_until(lambda: not any(map(is_running, processes)))


def is_running(process_id: int) -> bool:
    """False for a zombie too: whoever inherited it may never ask for its status."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in {"", "Z"}
