"""Whose sessions a caller of the session backend reaches: its own, and those of its subspaces."""

from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from local.gateway import Gateway, Owner
from session_store.errors import InvalidIdentifierError
from session_store.http import HttpStore
from session_store.postgresql import open_store as open_postgresql
from session_store.repository import PostgreSQLSessionRepository
from session_store.settings import StoreSettings
from tests.contract.records import add_session, message
from tests.integration.session_backend.requests import CALLER, Ask, ask_at, call_function, event_at

pytestmark = pytest.mark.usefixtures("empty")


def stored_owners(database: psycopg.Connection[Any]) -> set[str]:
    return {owner for (owner,) in database.execute("SELECT owner FROM sessions").fetchall()}


def test_an_owner_is_a_subspace_of_the_caller(ask: Ask, database: psycopg.Connection[Any]) -> None:
    for query in ("", "?owner=alice", "?owner=a%2Fb", "?owner=iam%3AAIDAOTHER", "?owner=~Li4"):
        ask("POST", f"/sessions{query}", {"session_id": "s"})
    inside = {f"{CALLER}/{subspace}" for subspace in ("alice", "a/b", "iam:AIDAOTHER", "..")}
    assert stored_owners(database) == {CALLER, *inside}
    assert ask("POST", "/sessions?owner=alice", {"session_id": "s"}).status == 409
    assert ask("GET", "/sessions/s?owner=bob").status == 404
    assert ask("GET", "/sessions?owner=alice").json["total"] == 1


def test_no_subspace_reaches_another_caller(gateway: Gateway, ask: Ask, database: psycopg.Connection[Any]) -> None:
    for query in ("", "?owner=alice"):
        assert ask("POST", f"/sessions{query}", {"session_id": "s"}).status == 201
    other = gateway.listen(owner=Owner("AIDAOTHER"))
    owners = ("alice", CALLER, f"{CALLER}/alice", f"../{CALLER}", f"/{CALLER}", "../alice")
    for query in ("", *(f"?owner={quote(owner, safe='')}" for owner in owners)):
        assert ask_at(other, "GET", f"/api/v1/sessions{query}").json["sessions"] == []
        assert ask_at(other, "DELETE", f"/api/v1/sessions/s{query}").status == 404
    assert len(stored_owners(database)) == 2


def test_an_owner_that_is_empty_too_long_or_not_printable_is_refused(ask: Ask, gateway: Gateway) -> None:
    longest = 255 - len(CALLER) - 1
    assert ask("POST", f"/sessions?owner={'x' * longest}", {"session_id": "s" * 255}).status == 201
    for owner in ("", "~", "x" * (longest + 1), "%00", "a%0Ab", "~x"):
        answer = ask("GET", f"/sessions?owner={owner}")
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "owner")
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    with pytest.raises(InvalidIdentifierError, match="owner"):
        PostgreSQLSessionRepository(owner="", store=store)
    store.close()


def test_the_longest_identifiers_of_the_widest_characters_fit_into_one_request(gateway: Gateway) -> None:
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    owner, identifier = "🧀" * 200, "🧀" * 255
    add_session(store, owner, "Hello", session_id=identifier, agent_id=identifier)
    assert store.messages.read(owner, identifier, identifier, 0) == message(0, "Hello")
    store.close()


def test_the_default_owner_is_the_caller_itself(gateway: Gateway, database: psycopg.Connection[Any]) -> None:
    store = HttpStore(StoreSettings(url=gateway.backend_url))
    with PostgreSQLSessionRepository(store=store).run("s"):
        pass
    store.close()
    assert stored_owners(database) == {CALLER}


def test_no_verified_caller_is_401(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    nobody = event_at("/api/v1/sessions", None, "owner=iam:AIDAALICE")
    # A user pool never makes such a subject: with it, one caller's id would be another's subspace.
    inside = event_at("/api/v1/sessions", None)
    inside["requestContext"]["authorizer"] = {"claims": {"iss": "https://cognito/pool", "sub": "alice/bob"}}
    for event in (nobody, inside):
        answer = call_function(event)
        assert (answer.status, answer.code, answer.json["detail"]["error"]) == (
            401,
            "unauthorized",
            "AuthenticationError",
        )


def test_a_custom_domains_prefix_changes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    answer = call_function(event_at("/agents/api/v1/sessions/a%2Fb"))
    assert answer.json["attributes"] == {"identifier": "a/b"}
    open_postgresql(StoreSettings.from_environment({"SESSION_BACKEND_URL": database_url})).close()
