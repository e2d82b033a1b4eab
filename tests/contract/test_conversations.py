"""Sessions as conversations: what they are called, and how they are found."""

import pytest

from session_store.errors import InvalidInputError, SessionNotFoundError
from session_store.postgresql import PostgreSQLStore
from session_store.records import RunOutcome
from session_store.repository import PostgreSQLSessionRepository
from session_store.session_patch import parse_session_patch
from session_store.session_records import SessionFilter
from session_store.settings import StoreSettings
from session_store.store import Store
from tests.contract.records import add_session, agent, session
from tests.contract.runs import begin, expire_lease, request, write
from tests.contract.transport import Transport


def found(store: Store, owner: str, **only: object) -> list[str]:
    page = store.sessions.list(owner, only=SessionFilter(**only))  # pyright: ignore[reportArgumentType]
    return [each.session_id for each in page.sessions]


def test_a_title_and_metadata_are_kept_and_listed(
    repository: PostgreSQLSessionRepository, store: Store, owner: str
) -> None:
    add_session(store, owner, "Hello")
    before = store.sessions.read(owner, "s")
    changed = repository.update_session("s", title="Trip to Rome 🏛", metadata={"project": "rome", "draft": 1.5})
    assert before
    assert changed == before._replace(title="Trip to Rome 🏛", metadata=changed.metadata)
    assert changed.metadata in ('{"draft": 1.5, "project": "rome"}', '{"project": "rome", "draft": 1.5}')
    assert store.sessions.read(owner, "s") == changed == store.sessions.list(owner).sessions[0]


PATCHES = [
    ({"a": {"b": 1}}, {"a": {"c": 2}}, '{"a": {"b": 1, "c": 2}}'),
    ({"a": {"b": 1}}, {"a": {"b": None}}, '{"a": {}}'),
    ({"a": 1, "b": 2}, {"a": None}, '{"b": 2}'),
    ({"a": [1, {"b": None}]}, {"a": [2]}, '{"a": [2]}'),
    ({"a": "text"}, {"a": {"b": {"c": None, "d": 1}}}, '{"a": {"b": {"d": 1}}}'),
    ({"a": 1}, None, "{}"),
    ({"a": 1}, {}, '{"a": 1}'),
]


@pytest.mark.parametrize(("first", "patch", "result"), PATCHES)
def test_metadata_is_merged_as_rfc_7396_has_it(
    repository: PostgreSQLSessionRepository,
    store: Store,
    owner: str,
    first: dict[str, object],
    patch: object,
    result: str,
) -> None:
    add_session(store, owner)
    repository.update_session("s", metadata=first)
    assert repository.update_session("s", metadata=patch).metadata == result  # pyright: ignore[reportArgumentType]


def test_a_session_is_found_by_title_and_metadata(
    repository: PostgreSQLSessionRepository, store: Store, owner: str
) -> None:
    for name in ("a", "b", "c"):
        add_session(store, owner, session_id=name)
    repository.update_session("a", title="Rome", metadata={"project": "rome", "open": True, "n": 1})
    repository.update_session("b", title="Rome", metadata={"project": "oslo"})

    assert found(store, owner, title="Rome") == ["b", "a"]
    assert found(store, owner, metadata={"project": "rome"}) == ["a"]
    assert found(store, owner, metadata={"open": "true", "n": "1"}) == ["a"]
    assert found(store, owner, metadata={"project": "oslo"}, title="Rome") == ["b"]
    assert found(store, owner, metadata={"project": "rome", "n": "2"}) == []
    assert found(store, owner + "'s neighbour", title="Rome") == []

    repository.update_session("a", title=None, metadata={"project": None})
    assert found(store, owner, title="Rome") == ["b"]
    assert found(store, owner, metadata={"project": "rome"}) == []
    first = store.sessions.list(owner, limit=1, only=SessionFilter(title="Rome"))
    assert first.next_cursor is None


def test_a_session_is_named_while_a_run_holds_it_and_keeps_its_place(store: Store, owner: str) -> None:
    add_session(store, owner, session_id="older")
    asked = request()
    begin(store, owner, asked)
    store.sessions.patch(owner, "s", parse_session_patch({"title": "Now"}))
    store.sessions.patch(owner, "older", parse_session_patch({"title": "Then"}))
    assert [each.title for each in store.sessions.list(owner).sessions] == ["Now", "Then"]


REFUSED = [
    ({"title": ""}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "two\nlines"}, "title"),
    ({"title": 1}, "title"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {"a": "x" * 8192}}, "metadata"),
    ({"metadata": {"a": "\0"}}, "metadata"),
    ({"metadata": {"\ud800": 1}}, "metadata"),
    ({"metadata": {"a": [[[[[[[[[[1]]]]]]]]]]}}, "metadata"),
    ({"preview": "x"}, "preview"),
]


@pytest.mark.parametrize(("members", "field"), REFUSED)
def test_what_is_no_title_or_metadata_is_refused_by_name(members: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        parse_session_patch(members)
    assert refusal.value.field == field


def test_metadata_that_grows_too_large_is_refused_and_stays_as_it_was(
    repository: PostgreSQLSessionRepository, store: Store, owner: str
) -> None:
    add_session(store, owner)
    for name in "ab":
        repository.update_session("s", metadata={name: name * 4000})
    with pytest.raises(InvalidInputError, match="8192 bytes"):
        repository.update_session("s", metadata={"c": "c" * 400}, title="Not kept")
    stored = store.sessions.read(owner, "s")
    assert stored
    assert (stored.title, len(stored.metadata)) == (None, 8018)


def test_a_session_that_does_not_exist_is_not_named(store: Store, owner: str) -> None:
    with pytest.raises(SessionNotFoundError):
        store.sessions.patch(owner, "s", parse_session_patch({"title": "x"}))


def test_a_session_is_created_with_its_title(store: Store, owner: str) -> None:
    store.sessions.create(owner, session()._replace(title="Rome", metadata='{"a": 1}'))
    assert found(store, owner, title="Rome", metadata={"a": "1"}) == ["s"]


def fail(store: Store, owner: str, session_id: str) -> None:
    asked = request(session_id)
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, outcome=RunOutcome("failed", error_code="model_failed")))


def test_a_session_whose_first_turn_failed_is_listed_only_where_it_is_asked_for(
    store: Store, transport: Transport, owner: str
) -> None:
    fail(store, owner, "failed")
    killed = request("killed")
    begin(store, owner, killed)
    assert found(store, owner) == ["killed"]  # it runs
    expire_lease(transport, killed)
    assert found(store, owner) == []
    listed = store.sessions.list(owner, only=SessionFilter(include_empty=True)).sessions
    assert [(each.session_id, each.error_code) for each in listed] == [
        ("killed", "interrupted"),
        ("failed", "model_failed"),
    ]
    begin(store, owner, request("failed"))
    assert found(store, owner) == ["failed"]


def test_a_session_is_listed_from_its_first_message_on(store: Store, transport: Transport, owner: str) -> None:
    fail(store, owner, "s")
    asked = request()
    begin(store, owner, asked)
    store.runs.write(owner, write(asked, "Hello", created_agents=[agent()]))
    store.runs.write(owner, write(asked, outcome=RunOutcome("failed", error_code="model_failed")))
    stored = store.sessions.read(owner, "s")
    assert stored
    assert (found(store, owner), stored.error_code) == (["s"], None)


def test_a_session_that_was_created_without_a_run_is_listed_before_its_first_message(store: Store, owner: str) -> None:
    store.sessions.create(owner, session())
    assert found(store, owner) == ["s"]


def test_a_session_that_was_imported_without_a_message_is_listed(
    store: Store, transport: Transport, owner: str
) -> None:
    imported_to = PostgreSQLStore(StoreSettings(url=transport.database_url, schema=transport.schema))
    assert imported_to.imports.create(transport.owner_prefix + owner, session(), [], [], [])
    imported_to.close()
    assert found(store, owner) == ["s"]
