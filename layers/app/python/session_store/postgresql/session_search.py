"""Finds sessions by words, and the passages that have them."""

from collections.abc import Sequence
from typing import Any

from session_store._database import Database
from session_store.records import SessionRecord
from session_store.session_records import MATCH_END, MATCH_START, SessionMatch

from .message_words import MessageWords, read_words
from .session_rows import SESSION_COLUMNS

_OPTIONS = f"StartSel={MATCH_START}, StopSel={MATCH_END}, MaxWords=30, MinWords=15"


def search_sessions(
    database: Database, words: MessageWords, owner: str, query: str, limit: int
) -> Sequence[SessionMatch]:
    parameters = {"owner": owner, "query": query, "language": words.language, "limit": limit}
    rows = database.fetch(
        "SELECT found.agent_id, found.message_id, found.message,"
        + SESSION_COLUMNS
        + """
        FROM {search_sessions_v2}(%(owner)s, %(query)s, %(language)s::regconfig, %(limit)s) WITH ORDINALITY
             AS found (session_key, agent_id, message_id, message, place)
        JOIN {sessions} s ON s.session_key = found.session_key
        ORDER BY found.place
        """,
        parameters,
    ).rows
    passages = _highlight(database, parameters, [_text(row, words) for row in rows])
    return [
        SessionMatch(SessionRecord(*row[3:]), passage, row[0], row[1])
        for row, passage in zip(rows, passages, strict=True)
    ]


def _text(row: tuple[Any, ...], words: MessageWords) -> str:
    """Of the message that was found, or the session's title."""
    message, title = row[2], row[9]
    text = read_words(message, with_tool_results=words.with_tool_results) if message else title
    return (text or "").replace(MATCH_START, "").replace(MATCH_END, "")


def _highlight(database: Database, parameters: dict[str, Any], texts: list[str]) -> list[str]:
    if not texts:
        return []
    rows = database.fetch(
        """
        SELECT ts_headline(%(language)s::regconfig, t.content,
                           websearch_to_tsquery(%(language)s::regconfig, %(query)s), %(options)s)
        FROM unnest(%(texts)s::text[]) WITH ORDINALITY AS t (content, place)
        ORDER BY t.place
        """,
        {**parameters, "texts": texts, "options": _OPTIONS},
    ).rows
    return [row[0] for row in rows]
