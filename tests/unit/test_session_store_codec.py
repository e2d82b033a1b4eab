"""A record's document, made and read from the record's description alone."""

import json
import uuid
from typing import Annotated, Any, NamedTuple

import pytest

from session_store._fields import Flag, Identifier, Inline, JsonObject, Text, WholeNumber
from session_store.codec import dump_record, nested_members, parse_record, parse_write
from session_store.document import Document
from session_store.errors import InvalidInputError
from session_store.records import (
    AgentMessage,
    AgentRecord,
    BegunRun,
    MessageRecord,
    MultiAgentRecord,
    RunOutcome,
    RunRecord,
    RunRequest,
    RunWrite,
    SessionRecord,
)

CREATED_AT, UPDATED_AT = "2026-11-22T10:00:00.123456+00:00", "2026-11-22T10:00:01+00:00"
RUN_ID = str(uuid.uuid4())
BODY = '{ "role":"user", "content":[{"text":"é","n":1.00,"big":123456789012345678901234567890}] }'
SESSION = SessionRecord("a/b", "AGENT", CREATED_AT, UPDATED_AT, 3, "Hello")
AGENT = AgentRecord("default", '{"k": 1.0}', '{"removed_message_count": 2}', "{ }", CREATED_AT, UPDATED_AT, 2, 3)
MESSAGE = MessageRecord(7, BODY, None, CREATED_AT, UPDATED_AT)
REDACTED = MessageRecord(8, BODY, BODY, CREATED_AT, UPDATED_AT)
RECORDS: list[Any] = [
    *(SESSION, AGENT, MESSAGE, REDACTED, MultiAgentRecord("graph", '{"n":1.0}'), AgentMessage("default", MESSAGE)),
    RunRecord(RUN_ID, "s", "default", "completed", CREATED_AT, UPDATED_AT, '{"n":1.0}', BODY, None, True),
    RunRecord(RUN_ID, "s", "default", "running", CREATED_AT),
    *(RunRequest("s", "default", RUN_ID, 1.5), RunRequest("s", "default", RUN_ID, 60, "key", "hash")),
    *(RunOutcome("failed", error_code="model_failed"), RunOutcome("completed", '{"n":1.0}', 0)),
    *(BegunRun(1, SESSION, None, []), BegunRun(2, SESSION, AGENT, [MESSAGE, REDACTED])),
    RunWrite("s", RUN_ID, 60, [], [], [], [], []),
    RunWrite(
        *("s", RUN_ID, 60, [AGENT], [AGENT], [AgentMessage("default", MESSAGE)], [AgentMessage("default", REDACTED)]),
        multi_agents=[MultiAgentRecord("graph", "{}")],
        preview="Hello",
        redacted_preview="[gone]",
        outcome=RunOutcome("completed", "{}", 7),
    ),
]


def parse(kind: type, text: str) -> Any:
    return parse_record(kind, Document.parse(text, nested_members(kind)))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_from_its_document(record: Any) -> None:
    assert parse(type(record), dump_record(record)) == record


class Note(NamedTuple):
    note_id: Identifier
    body: JsonObject
    title: Text | None = None
    pinned: Flag = False
    size: WholeNumber = 0


class PlacedNote(NamedTuple):
    place: Identifier
    note: Annotated[Note, Inline()]


def test_a_record_of_any_description_has_a_document() -> None:
    placed = PlacedNote("here", Note("n", '{"a": 1.0}', "Title"))
    text = '{"place":"here","note_id":"n","body":{"a": 1.0},"title":"Title","pinned":false,"size":0}'
    assert dump_record(placed) == text
    assert parse(PlacedNote, text) == placed
    assert parse(PlacedNote, '{"place":"here","note_id":"n","body":{}}').note == Note("n", "{}")


def test_other_members_stand_beside_the_record_or_in_place_of_its_own() -> None:
    text = dump_record(Note("n", "{}"), type='"note"', size="7")
    assert json.loads(text) == {
        **{"type": "note", "size": 7, "note_id": "n", "body": {}, "title": None, "pinned": False},
    }


@pytest.mark.parametrize(
    ("kind", "text", "field"),
    [
        (Note, "{}", "note_id"),
        (Note, '{"note_id":"n"}', "body"),
        (Note, '{"note_id":"n","body":[]}', "body"),
        (Note, '{"note_id":"n","body":{},"title":1}', "title"),
        (Note, '{"note_id":"n","body":{},"size":-1}', "size"),
        (RunOutcome, '{"status":"running"}', "status"),
        (SessionRecord, '{"session_id":"s","session_type":"OTHER"}', "session_type"),
        (BegunRun, '{"fence":1,"session":null}', "session"),
        (BegunRun, '{"fence":1,"session":[]}', "session"),
        (RunWrite, dump_record(RECORDS[-1], messages='{"a":1}'), "messages"),
        (RunWrite, dump_record(RECORDS[-1], messages="[1]"), "messages"),
        (RunWrite, dump_record(RECORDS[-1], messages='[{"agent_id":"a"}]'), "message_id"),
        (RunWrite, dump_record(RECORDS[-1], preview='"a\\nb"'), "preview"),
        (RunRequest, dump_record(RECORDS[8], lease_seconds="0"), "lease_seconds"),
        (RunWrite, dump_record(RECORDS[-1], number="0"), "number"),
    ],
)
def test_a_member_that_does_not_fit_is_refused_by_its_name(kind: type, text: str, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(kind, text)
    assert caught.value.field == field


def test_what_the_path_says_may_be_missing_but_not_another_one() -> None:
    text = '{"body":{}}'
    assert parse_record(Note, Document.parse(text), note_id="n") == Note("n", "{}")
    with pytest.raises(InvalidInputError, match="note_id is another one than the path names"):
        parse_record(Note, Document.parse('{"note_id":"m","body":{}}'), note_id="n")


def test_an_agent_has_the_removed_messages_of_its_conversation_manager_unless_they_are_given() -> None:
    given = '{"agent_id":"a","state":{},"conversation_manager_state":{"removed_message_count":4}'
    assert parse(AgentRecord, f"{given}}}").removed_message_count == 4
    assert parse(AgentRecord, f'{given},"removed_message_count":2}}').removed_message_count == 2


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"messages": '[{"agent_id":"a","message_id":0,"message":{"role":"user"}}]'}, "message"),
        ({"redactions": '[{"agent_id":"a","message_id":0,"message":{"role":"x","content":[]}}]'}, "message"),
        ({"unknown": "1"}, "unknown"),
        (
            {"messages": "[" + ",".join(dump_record(AgentMessage("a", MESSAGE)) for _ in range(2)) + "]"},
            "messages",
        ),
    ],
)
def test_a_write_that_could_not_be_restored_is_refused(members: dict[str, str], field: str) -> None:
    text = dump_record(RunWrite("s", RUN_ID, 60), **members)
    with pytest.raises(InvalidInputError) as caught:
        parse_write(Document.parse(text, nested_members(RunWrite)), RUN_ID)
    assert caught.value.field == field
