"""Words are found in titles and messages, by their owner alone, and no longer once they are taken back."""

import json
from collections.abc import Iterator

import pytest

from session_store.postgresql import PostgreSQLStore
from session_store.records import MessageRecord
from session_store.repository import PostgreSQLSessionRepository
from session_store.session_records import MATCH_END, MATCH_START
from session_store.settings import StoreSettings
from session_store.store import Store
from tests.contract.records import CREATED_AT, add_session, message
from tests.contract.transport import Transport


@pytest.fixture
def searched(contract_database_url: str) -> Iterator[PostgreSQLStore]:
    opened = PostgreSQLStore(StoreSettings(url=contract_database_url, search="messages"))
    yield opened
    opened.close()


def found(store: Store, owner: str, query: str) -> list[tuple[str, int | None, str]]:
    matches = store.sessions.search(owner, query)
    return [(each.session.session_id, each.message_id, each.passage) for each in matches]


def marked(words: str) -> str:
    return f"{MATCH_START}{words}{MATCH_END}"


def test_titles_are_found_over_both_transports(
    store: Store, repository: PostgreSQLSessionRepository, owner: str
) -> None:
    for name in ("a", "b"):
        add_session(store, owner, "no word of it", session_id=name)
    repository.update_session("a", title="A trip to Rome")
    assert found(store, owner, "rome") == [("a", None, f"A trip to {marked('Rome')}")]
    assert found(store, owner, "rome -trip") == found(store, owner + "2", "rome") == found(store, owner, "- ?") == []
    repository.update_session("a", title=None)
    assert found(store, owner, "rome") == []


def test_messages_are_found_the_best_first(searched: PostgreSQLStore, owner: str) -> None:
    add_session(searched, owner, "We talk of cheese", "Rome is old, and Rome is large", session_id="best")
    add_session(searched, owner, "When in Rome, do as they do in that city", session_id="good")
    add_session(searched, owner + "2", "Rome", session_id="another's")
    assert found(searched, owner, "rome") == [
        ("best", 1, f"{marked('Rome')} is old, and {marked('Rome')} is large"),
        ("good", 0, f"When in {marked('Rome')}, do as they do in that city"),
    ]
    assert found(searched, owner, '"is large"')[0][:2] == ("best", 1)


def test_what_is_taken_back_is_found_no_more(searched: PostgreSQLStore, transport: Transport, owner: str) -> None:
    add_session(searched, owner, "my password is swordfish")
    PostgreSQLSessionRepository(owner=owner, store=searched).fork_session("s", "fork")
    assert {each[0] for each in found(searched, owner, "swordfish")} == {"s", "fork"}
    gone = message(0, "[gone]")
    searched.messages.update(owner, "s", "default", gone._replace(redact_message=gone.message), "[gone]")
    assert found(searched, owner, "swordfish") == []
    assert {each[0] for each in found(searched, owner, "gone")} == {"s", "fork"}


def test_no_message_is_too_strange_to_be_searched(searched: PostgreSQLStore, owner: str) -> None:
    add_session(searched, owner, "first")
    texts = ["\0 nul \ud800 half", "w" * 300_000, " ".join(f"word{number}" for number in range(60_000)), ""]
    for number, text in enumerate(texts, start=1):
        body = json.dumps({"role": "user", "content": [{"text": text}, {"image": {"format": "png"}}]})
        searched.messages.create(owner, "s", "default", MessageRecord(number, body, None, CREATED_AT, CREATED_AT), None)
    assert [each[1] for each in found(searched, owner, "half")] == [1]
    assert [each[1] for each in found(searched, owner, "word1999")] == [3]
    assert found(searched, owner, "' & | ! :* \\ \"") == []
