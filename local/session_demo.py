"""Holds a conversation with a deployment and checks that it survives. `python -m local.session_demo [--url URL]`.

Without --url it starts the local stack and also shows what is only visible on this machine: the processes and the rows.
"""

import argparse
import logging
import os
import sys
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import httpx
import psycopg

from local.demo_report import DemoReport
from local.laptop import DEFAULT_MODEL_PROVIDER
from local.stack import START_ERRORS, Stack
from session_store.http.signing import Signer, region_of

REQUEST_TIMEOUT_SECONDS = 60


class DemoError(RuntimeError):
    """The deployment did not answer as this project's API does."""


class SignedByAws(httpx.Auth):
    """Signs requests for API Gateway's IAM authorization, with the credentials that the AWS SDK finds."""

    requires_request_body = True

    def __init__(self, region: str) -> None:
        self._signer = Signer(region)

    def auth_flow(self, request: httpx.Request) -> Any:
        kept = {"Content-Type": request.headers["Content-Type"]} if "Content-Type" in request.headers else {}
        request.headers.update(self._signer.headers(request.method, str(request.url), kept, request.content or None))
        yield request


class DemoClient:
    """The routes that the demo uses. Of the environment it sends `ID_TOKEN`, a Cognito user's, and `API_KEY`."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        region, token = region_of(httpx.URL(url).host), environment.get("ID_TOKEN")
        named = {"Authorization": token, "x-api-key": environment.get("API_KEY")}
        self._client = httpx.Client(
            base_url=url,
            timeout=REQUEST_TIMEOUT_SECONDS,
            headers={name: value for name, value in named.items() if value},
            auth=SignedByAws(region) if region and not token else None,
            trust_env=bool(region),  # a proxy from the environment must not intercept requests to this machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def process(self, session_id: str, prompt: str) -> dict[str, Any]:
        return self._call("POST", "/process", json={"session_id": session_id, "prompt": prompt})

    def history(self, session_id: str) -> list[dict[str, Any]]:
        return self._call("GET", f"/sessions/{session_id}/history", params={"limit": 100})["messages"]

    def sessions(self) -> dict[str, int]:
        """The newest sessions and the number of messages in each."""
        listed = self._call("GET", "/sessions")["sessions"]
        return {session["session_id"]: session["message_count"] for session in listed}

    def delete(self, session_id: str) -> None:
        self._call("DELETE", f"/sessions/{session_id}")

    def _call(self, method: str, path: str, **request: Any) -> Any:
        try:
            answer = self._client.request(method, path, **request)
            answer.raise_for_status()
            return answer.json() if answer.content else None
        except httpx.HTTPStatusError as error:
            raise DemoError(f"{method} {path} answered {error.response.status_code}: {error.response.text}") from error
        except (httpx.HTTPError, ValueError) as error:
            raise DemoError(f"{method} {path}: {error or type(error).__name__}") from error


class Demo:
    """`stack` is None when the deployment does not run on this machine."""

    def __init__(self, client: DemoClient, report: DemoReport, stack: Stack | None) -> None:
        self._client, self._report, self._stack = client, report, stack
        mark = uuid.uuid4().hex[:6]
        self._alice, self._bob = f"demo-alice-{mark}", f"demo-bob-{mark}"

    def run(self) -> None:
        try:
            self.show_persistence()
            self.show_isolation()
            self.show_continuity()
            self.show_rows()
        finally:
            self.clean_up()

    def show_persistence(self) -> None:
        self._report.heading("1  Persistence: a conversation outlives the processes that held it")
        self._ask("Alice", self._alice, "Hello, my name is Alice")
        before = self._client.history(self._alice)
        self._report.check(len(before) == 2, "the first turn is stored: 2 messages")
        self._kill_processes()
        answer = self._ask("Alice", self._alice, "What is my name?")
        after = self._client.history(self._alice)
        self._report.check("Alice" in answer, "asked again, the agent knows the name")
        self._report.fact("messages before and after:", f"{len(before)} and {len(after)}")
        self._report.check(after[: len(before)] == before, "the earlier messages are as they were")
        numbers = [message["message_id"] for message in after]
        self._report.check(numbers == [0, 1, 2, 3], "they were restored: new messages continue their numbering")

    def _kill_processes(self) -> None:
        claim = "every runtime process is killed and the next request gets new ones"
        if not self._stack:
            self._report.skip(claim)
            return
        killed = self._stack.gateway.restart_functions()
        self._report.fact("processes killed with SIGKILL:", _join(killed))
        self._client.sessions()
        alive = self._stack.gateway.process_ids()
        self._report.fact("processes serving now:        ", _join(alive))
        self._report.check(bool(killed and alive) and not set(killed) & set(alive), claim)

    def show_isolation(self) -> None:
        self._report.heading("2  Isolation: Alice and Bob at the same time")
        self._ask("Bob", self._bob, "Hello, my name is Bob")
        with ThreadPoolExecutor(2) as pool:
            alice = pool.submit(self._answer, self._alice, "What is my name?")
            bob = pool.submit(self._answer, self._bob, "What is my name?")
        self._check_isolation("Alice", "Bob", self._alice, alice.result())
        self._check_isolation("Bob", "Alice", self._bob, bob.result())

    def _check_isolation(self, user: str, other: str, session_id: str, answer: str) -> None:
        self._print_exchange(user, "What is my name?", answer)
        self._report.check(user in answer and other not in answer, f"{user} is {user}, and not {other}")
        texts = _texts(self._client.history(session_id))
        self._report.check(other not in texts, f"nothing of {other} is in {user}'s history")

    def show_continuity(self) -> None:
        self._report.heading("3  Continuity: several turns, with a tool")
        answer = self._ask("Alice", self._alice, "What is 17 times 23?")
        blocks = [block for message in self._client.history(self._alice)[6:] for block in message["message"]["content"]]
        used = [block["toolUse"] for block in blocks if "toolUse" in block]
        results = [block["toolResult"] for block in blocks if "toolResult" in block]
        self._report.fact("tool calls stored:", ", ".join(f"{use['name']} {use['input']}" for use in used) or "none")
        self._report.check(any(use["name"] == "calculator" for use in used), "the agent used its calculator")
        self._report.check(
            [use["toolUseId"] for use in used] == [result["toolUseId"] for result in results],
            "each tool request has its result, in order",
        )
        self._report.check("391" in str(results) and "391" in answer, "17 times 23 is 391, by the tool and in words")
        answer = self._ask("Alice", self._alice, "What is my name?")
        self._report.check("Alice" in answer, "and the name is still known")

    def show_rows(self) -> None:
        self._report.heading("4  PostgreSQL: the rows themselves, beside the API's answers")
        claim = "SQL and the API agree, message for message"
        if not self._stack:
            self._report.skip(claim)
            return
        listed = self._client.sessions()
        self._report.fact("session              ", "rows by SQL   messages by the API   in its list")
        for session_id in (self._alice, self._bob):
            rows, history = _read_rows(self._stack.database_url, session_id), self._client.history(session_id)
            counts = f"{len(rows):>11}   {len(history):>19}   {listed.get(session_id, 0):>11}"
            self._report.fact(f"{session_id:<21}", counts)
            shown = [(message["message_id"], message["message"]) for message in history]
            self._report.check(rows == shown and len(rows) == listed.get(session_id), claim)

    def clean_up(self) -> None:
        for session_id in (self._alice, self._bob):
            if session_id in self._client.sessions():
                self._client.delete(session_id)
        if self._stack and not self._report.failed:
            left = [row for name in (self._alice, self._bob) for row in _read_rows(self._stack.database_url, name)]
            self._report.check(not left, "both sessions are deleted, and no row is left")

    def _ask(self, user: str, session_id: str, prompt: str) -> str:
        answer = self._answer(session_id, prompt)
        self._print_exchange(user, prompt, answer)
        return answer

    def _answer(self, session_id: str, prompt: str) -> str:
        return self._client.process(session_id, prompt)["response"]

    def _print_exchange(self, user: str, prompt: str, answer: str) -> None:
        self._report.message(user, prompt)
        self._report.message("agent", answer)


def _read_rows(database_url: str, session_id: str) -> list[tuple[int, Any]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT message_id, message FROM messages JOIN sessions USING (session_key)"
            " WHERE session_id = %(session_id)s ORDER BY message_id",
            {"session_id": session_id},
        ).fetchall()


def _texts(history: list[dict[str, Any]]) -> str:
    return " ".join(block.get("text", "") for message in history for block in message["message"]["content"])


def _join(process_ids: list[int]) -> str:
    return " ".join(map(str, process_ids)) or "none"


def _run_local(report: DemoReport) -> None:
    with Stack(port=0, backend_port=0) as stack, DemoClient(stack.api_url) as client:
        if (os.environ.get("MODEL_PROVIDER") or DEFAULT_MODEL_PROVIDER) == DEFAULT_MODEL_PROVIDER:
            report.note("The model is a toy of 135 million parameters on this machine: its answers are simple, and the")
            report.note("point is that they are remembered. Every check below is made outside the model.")
        Demo(client, report, stack).run()


def _run_remote(report: DemoReport, url: str) -> None:
    report.note(f"{url} is not the demo's own stack: its processes and rows cannot be inspected from here.")
    with DemoClient(url) as client:
        Demo(client, report, None).run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.session_demo", description="Shows that sessions survive.")
    parser.add_argument("--url", help="an API that is already running, here or on AWS; default: start the local stack")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(name)-24s %(message)s")
    report = DemoReport()
    try:
        _run_remote(report, arguments.url) if arguments.url else _run_local(report)
    except (DemoError, *START_ERRORS, OSError) as error:
        report.check(False, f"the demo could run to its end ({error})")
    except KeyboardInterrupt:
        return 130
    report.heading(f"{report.passed} checks passed, {len(report.failed)} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
