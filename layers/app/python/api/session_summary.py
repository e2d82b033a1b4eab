"""Sessions as lists and searches show them."""

import json
from collections.abc import Iterator

from api import answers
from session_store.records import SessionRecord
from session_store.session_records import MATCH_END, MATCH_START, SessionMatch


def summarize(session: SessionRecord) -> answers.SessionSummary:
    is_fork = session.origin_message_id is not None or session.origin_session_id is not None
    origin: answers.ForkOrigin = {"session_id": session.origin_session_id, "message_id": session.origin_message_id}
    return {
        "session_id": session.session_id,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "message_count": session.message_count,
        "preview": session.preview,
        "title": session.title,
        "metadata": json.loads(session.metadata),
        "forked_from": origin if is_fork else None,
        "error_code": session.error_code,
    }


def describe_match(match: SessionMatch) -> answers.SessionSummary:
    found: answers.Match = {
        "message_id": match.message_id,
        "agent_id": match.agent_id,
        "passage": match.passage.replace(MATCH_START, "").replace(MATCH_END, ""),
        "highlights": list(_find_highlights(match.passage)),
    }
    return {**summarize(match.session), "match": found}


def _find_highlights(passage: str) -> Iterator[list[int]]:
    """Begin and end of each word that was found, in the passage without its marks."""
    position = start = 0
    for character in passage:
        if character == MATCH_START:
            start = position
        elif character == MATCH_END:
            yield [start, position]
        else:
            position += 1
