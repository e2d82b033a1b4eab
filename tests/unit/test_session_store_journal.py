import pytest

from session_store.errors import RunEndedError
from session_store.journal import Journal
from session_store.records import AgentRecord, MessageRecord, RunOutcome, ValueWrite

NOW = "2026-11-22T10:00:00+00:00"


def agent(agent_id: str = "default", state: str = "{}", message_count: int = 0, created_at: str = NOW) -> AgentRecord:
    return AgentRecord(agent_id, state, "{}", "{}", created_at, NOW, message_count=message_count)


def message(text: str, message_id: int = 0) -> MessageRecord:
    return MessageRecord(message_id, text, None, NOW, NOW)


@pytest.fixture
def journal() -> Journal:
    return Journal("user-123", "run", lease_seconds=30)


def bodies(journal: Journal) -> list[tuple[int, str]]:
    return [(gathered.record.message_id, gathered.record.message) for gathered in journal.take().messages]


def test_ids_go_on_from_what_is_stored_whatever_the_session_manager_counts(journal: Journal) -> None:
    journal.restored(agent(message_count=7), tail=None)
    assert [journal.append("default", message(text, message_id=0), lambda: "preview") for text in "ab"] == [7, 8]
    assert bodies(journal) == [(7, "a"), (8, "b")]
    assert journal.take().message_counts == {"default": 9}
    assert journal.take().preview is None


def test_the_first_message_brings_the_preview(journal: Journal) -> None:
    journal.create_agent(agent())
    journal.append("default", message("a"), lambda: "first")
    journal.append("default", message("b"), lambda: "second")
    assert journal.take().preview == "first"


def test_an_agent_created_and_changed_is_created_as_changed_with_its_first_date(journal: Journal) -> None:
    journal.create_agent(agent(created_at="2020-01-01T00:00:00+00:00"))
    journal.update_agent(agent(state='{"n":1}'))
    write = journal.take()
    assert write.created_agents == (agent(state='{"n":1}', created_at="2020-01-01T00:00:00+00:00"),)
    assert write.updated_agents == ()


def test_what_was_settled_is_not_written_again(journal: Journal) -> None:
    journal.create_agent(agent())
    journal.append("default", message("a"), lambda: "first")
    assert not journal.is_empty
    journal.take()
    journal.settle()
    assert journal.is_empty
    journal.append("default", message("b"), lambda: "second")
    write = journal.take(RunOutcome("completed"))
    assert bodies(journal) == [(1, "b")]
    assert (write.created_agents, write.preview) == ((), None)


def test_a_gathered_message_is_redacted_before_it_is_written(journal: Journal) -> None:
    journal.create_agent(agent())
    journal.append("default", message("secret"), lambda: "secret")
    journal.redact("default", message("redacted"), lambda: "[redacted]")
    write = journal.take()
    assert bodies(journal) == [(0, "redacted")]
    assert (write.redactions, write.redacted_preview) == ((), "[redacted]")


def test_what_is_said_while_a_write_is_on_its_way_waits_for_the_next_one(journal: Journal) -> None:
    journal.create_agent(agent())
    journal.append("default", message("a"), lambda: "first")
    journal.put_value(ValueWrite("same", b"1"))
    journal.put_value(ValueWrite("changed", b"1"))
    journal.take()
    journal.append("default", message("b"), lambda: "")
    journal.update_agent(agent(state='{"n":1}'))
    journal.redact("default", message("[redacted]", message_id=0), lambda: "[redacted]")
    journal.put_value(ValueWrite("changed", b"2"))
    journal.settle()
    write = journal.take(RunOutcome("completed"))
    assert [gathered.record.message for gathered in write.messages] == ["b"]
    assert (write.created_agents, [changed.state for changed in write.updated_agents]) == ((), ['{"n":1}'])
    assert [(gone.record.message_id, gone.record.message) for gone in write.redactions] == [(0, "[redacted]")]
    assert (write.redacted_preview, write.values) == ("[redacted]", (ValueWrite("changed", b"2"),))
    journal.settle()
    assert journal.is_empty


def test_a_successor_goes_on_from_what_is_stored(journal: Journal) -> None:
    journal.create_agent(agent())
    journal.append("default", message("a"), lambda: "first")
    journal.take()
    journal.settle()
    journal.append("default", message("never written"), lambda: "")
    successor = journal.successor()
    with pytest.raises(RunEndedError):
        journal.append("default", message("too late"), lambda: "")
    assert successor.is_empty
    assert successor.append("default", message("b"), lambda: "") == 1
    assert bodies(successor) == [(1, "b")]


def test_a_successor_keeps_what_was_redacted_of_what_is_stored(journal: Journal) -> None:
    journal.restored(agent(message_count=1), message("secret"))
    journal.append("default", message("secret, never written"), lambda: "")
    journal.redact("default", message("redacted", 0), lambda: "[redacted]")
    journal.redact("default", message("redacted", 1), lambda: "")
    write = journal.successor().take()
    assert [(redaction.record.message_id, redaction.record.message) for redaction in write.redactions] == [
        (0, "redacted")
    ]
    assert (write.messages, write.redacted_preview) == ((), "[redacted]")
