"""Whether states went back: an agent's, a multi-agent's, and the counts that belong to their messages."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

_TASK = re.compile(r"task ([^\"\\\s]+)")
Event = Mapping[str, Any]


def find_undone(events: Sequence[Event], connection: "psycopg.Connection[Any]") -> list[str]:
    """States that are older than the last turn of theirs that was acknowledged, and counts that fit no messages."""
    return [
        *_find_old_agents(events, connection),
        *_find_old_multi_agents(events, connection),
        *_find_wrong_counts(connection),
    ]


def _find_old_agents(events: Sequence[Event], connection: "psycopg.Connection[Any]") -> list[str]:
    rows = connection.execute(
        "SELECT session_id, state::text FROM sessions JOIN agents USING (session_key) WHERE agent_id = 'default'"
    ).fetchall()
    stored = {session_id: json.loads(state).get("operation") for session_id, state in rows}
    return _find_older(stored, events, connection, "acknowledged", "agent's state")


def _find_old_multi_agents(events: Sequence[Event], connection: "psycopg.Connection[Any]") -> list[str]:
    rows = connection.execute(
        "SELECT session_id, state::text FROM sessions JOIN multi_agents USING (session_key)"
    ).fetchall()
    stored = {session_id: next(iter(_TASK.findall(state)), None) for session_id, state in rows}
    tasks = {event["operation"]: event["task"] for event in events if event["event"] == "graph"}
    of_graphs: list[Event] = []
    for event in events:
        if event["event"] != "acknowledged":
            of_graphs.append(event)
        elif event["operation"] in tasks:
            # A Graph that broke off goes on in the next run, with the task that it was given first.
            of_graphs.append({**event, "operation": tasks[event["operation"]].removeprefix("task ")})
    return _find_older(stored, of_graphs, connection, "acknowledged", "multi-agent's state")


def _find_older(
    stored: Mapping[str, str | None],
    events: Sequence[Event],
    connection: "psycopg.Connection[Any]",
    kind: str,
    name: str,
) -> list[str]:
    """By the fences of the runs: those of one session grow, and a session that is created again has other runs."""
    fences = dict(connection.execute("SELECT run_id::text, fence FROM runs").fetchall())
    sessions = dict(
        connection.execute(
            "SELECT runs.run_id::text, session_id FROM runs JOIN sessions USING (session_key)"
        ).fetchall()
    )
    begun = {event["operation"]: event["run_id"] for event in events if event["event"] == "begun"}
    newest: dict[str, tuple[int, str]] = {}
    for event in events:
        run_id = event.get("run_id", "")
        if event["event"] == kind and sessions.get(run_id) == event["session_id"]:
            newest[event["session_id"]] = max(newest.get(event["session_id"], (0, "")), (fences[run_id], run_id))
    older: list[str] = []
    for session_id, operation in stored.items():
        fence = newest.get(session_id, (0, ""))[0]
        # An answered question belongs to the turn that asked, and to the run that answered.
        runs = [event["run_id"] for event in events if event["event"] == kind and event["operation"] == operation]
        of_state = [fences.get(run_id, 0) for run_id in (*runs, begun.get(operation or "", ""))]
        if max(of_state, default=0) < fence:
            older.append(f"{session_id}: {name} is of {operation}, not of run {newest[session_id][1]}")
    return older


def _find_wrong_counts(connection: "psycopg.Connection[Any]") -> list[str]:
    rows = connection.execute(
        """
        SELECT s.session_id, a.agent_id, a.message_count, a.removed_message_count, count(m.message_id)
        FROM sessions s JOIN agents a USING (session_key)
        LEFT JOIN messages m ON m.session_key = a.session_key AND m.agent_id = a.agent_id
        GROUP BY s.session_id, a.session_key, a.agent_id
        HAVING a.message_count <> count(m.message_id) OR a.removed_message_count > a.message_count
        """
    ).fetchall()
    return [
        f"{session}, {agent}: counts {count}, {removed} of {found} messages"
        for session, agent, count, removed, found in rows
    ]
