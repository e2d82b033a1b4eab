"""Copies of a message that stand in the states of its session's agents: what a message loses, they lose too.

An agent keeps messages beside its history (see `kept_messages`), an interrupt keeps what it broke off, an application
what it likes. A copy is found where it is the same: the whole content, or a long text as a value of its own.
"""

from typing import Any, cast

from session_store.connection import Statement
from session_store.encoding import decode, encode
from session_store.message_text import read_text
from session_store.raw_json import parse_members
from session_store.records import MessageRecord

_SHORTEST_TEXT = 20  # characters; a shorter one may stand anywhere, and mean something else there


def _replaced(column: Statement) -> Statement:
    return (
        """(
            WITH RECURSIVE step AS (
                SELECT """
        + column
        + """::text AS text, 1 AS number
                UNION ALL
                SELECT replace(text, (%(old_texts)s::text[])[number], (%(new_texts)s::text[])[number]), number + 1
                FROM step
                WHERE number <= cardinality(%(old_texts)s::text[])
            )
            SELECT text FROM step ORDER BY number DESC LIMIT 1
        )::json"""
    )


def _has_copy(column: Statement) -> Statement:
    return (
        "EXISTS (SELECT 1 FROM unnest(%(old_texts)s::text[]) old(text) WHERE strpos("
        + column
        + "::text, old.text) > 0)"
    )


REPLACE_COPIES: Statement = (
    """
    , agents_without_copies AS (
        UPDATE {agents} a
        SET state = """
    + _replaced("a.state")
    + ", conversation_manager_state = "
    + _replaced("a.conversation_manager_state")
    + ", internal_state = "
    + _replaced("a.internal_state")
    + """
        FROM free
        WHERE a.session_key = free.session_key AND ("""
    + _has_copy("a.state")
    + " OR "
    + _has_copy("a.conversation_manager_state")
    + " OR "
    + _has_copy("a.internal_state")
    + """)
    ), multi_agents_without_copies AS (
        UPDATE {multi_agents} m
        SET state = """
    + _replaced("m.state")
    + """
        FROM free
        WHERE m.session_key = free.session_key AND """
    + _has_copy("m.state")
    + ")"
)


def replacements(old: MessageRecord | None, new: MessageRecord) -> dict[str, list[str]]:
    """The parameters of `REPLACE_COPIES`: JSON texts, each with what takes its place."""
    pairs = _pairs(old.message, new.message) if old else {}
    return {"old_texts": list(pairs), "new_texts": list(pairs.values())}


def _pairs(old: str, new: str) -> dict[str, str]:
    try:
        before, after = (parse_members(text).get("content") for text in (old, new))
    except (ValueError, RecursionError):  # a damaged message, which nobody could read to make a copy of it
        return {}
    if not before or not after or before.text == after.text:
        return {}
    content, replaced_by = decode(before.text), decode(after.text)
    if not isinstance(content, list) or not content or not isinstance(replaced_by, list):  # [] stands everywhere
        return {}
    content, replaced_by = cast(list[Any], content), cast(list[Any], replaced_by)
    texts = [text for block in content if len(text := read_text([block])) >= _SHORTEST_TEXT]
    replacement = encode("text", read_text(replaced_by))
    return {before.text: after.text, encode("content", content): after.text} | {
        encode("text", text): replacement for text in texts
    }
