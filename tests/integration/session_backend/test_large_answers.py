"""What is larger than Lambda lets a function answer."""

import json
import tracemalloc
from typing import Any

import psycopg
import pytest

from local.gateway import LOCAL_OWNER, Gateway
from session_store.errors import TooLargeError
from session_store.http import HttpStore
from session_store.postgresql import open_store as open_postgresql
from session_store.records import RunRequest
from session_store.settings import StoreSettings
from tests.integration.session_backend.requests import (
    BEGIN,
    Ask,
    add_agent,
    call_function,
    event_at,
)

pytestmark = pytest.mark.usefixtures("empty")


def test_a_page_ends_before_lambdas_limit_and_tells_where_it_goes_on(ask: Ask) -> None:
    path = f"{add_agent(ask, *['x' * 2_000_000] * 3)}/messages"
    first = ask("GET", path)
    assert len(json.dumps({"body": first.body}).encode()) < 6_000_000
    assert (len(first.json["messages"]), first.json["total"], first.json["next_message_id"]) == (2, 3, 2)
    assert [item["message_id"] for item in ask("GET", f"{path}?from_message_id=2").json["messages"]] == [2]


def test_of_large_messages_few_more_are_read_than_an_answer_holds(
    ask: Ask, database: psycopg.Connection[Any], shared_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = add_agent(ask)
    database.execute("UPDATE agents SET message_count = 90")
    database.execute(
        """INSERT INTO messages
           SELECT session_key, agent_id, number, json_build_object('text', repeat('x', 1000000)), NULL, '', ''
           FROM agents, generate_series(0, 89) AS number"""
    )
    monkeypatch.setenv("SESSION_BACKEND_URL", shared_database_url)
    event = event_at(f"/api/v1{path}/messages", LOCAL_OWNER.user, "page_size=1000")
    tracemalloc.start()
    answer = call_function(event)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answer.json["messages"]) == 4
    assert peak_bytes < 60_000_000
    open_postgresql(StoreSettings.from_environment({"SESSION_BACKEND_URL": shared_database_url})).close()


def test_what_no_answer_can_hold_is_told_by_its_size(
    ask: Ask, gateway: Gateway, database: psycopg.Connection[Any]
) -> None:
    path = f"{add_agent(ask, 'small', 'small')}/messages"
    database.execute(
        """UPDATE messages SET message = json_build_object('role', 'user', 'content',
           json_build_array(json_build_object('text', repeat('x', 6000000)))) WHERE message_id = 1"""
    )
    small, big = ask("GET", path).json["messages"]
    assert small["message"]["content"] == [{"text": "small"}]
    assert big.keys() == {"message_id", "omitted_bytes"}
    assert big["omitted_bytes"] > 6_000_000
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    for read in (
        lambda: store.messages.read("default", "s", "default", 1),
        lambda: store.messages.list("default", "s", "default"),
        lambda: store.runs.begin("default", RunRequest("s", "default", BEGIN["run_id"], 30)),
    ):
        with pytest.raises(TooLargeError, match="message 1 takes 6000"):
            read()
    assert store.runs.read("default", BEGIN["run_id"]).status == "failed"
    store.close()


def test_a_run_beside_an_agent_that_no_answer_can_hold_keeps_nobody_from_the_session(
    ask: Ask, gateway: Gateway, database: psycopg.Connection[Any]
) -> None:
    add_agent(ask, "Hello")
    database.execute("UPDATE agents SET state = json_build_object('notes', repeat('x', 6000000))")
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    with pytest.raises(TooLargeError, match="answer takes 6000"):
        store.runs.begin("default", RunRequest("s", "default", BEGIN["run_id"], 30))
    assert store.runs.read("default", BEGIN["run_id"]).status == "failed"
    assert ask("PUT", "/sessions/s", {}).status == 200
    store.close()
