"""What must hold of the histories that a soak leaves, read from its processes' logs and from the database."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from session_store.encoding import decode
from session_store.history import TOOL_INTERRUPTED, TURN_ENDED, TURN_INTERRUPTED
from tests.reliability.soak_budgets import find_overspent
from tests.reliability.soak_streams import find_gaps
from tests.reliability.turns import assert_closed

_OPERATION = re.compile(r"(?:prompt|answer|result) (\S+)")
Event = dict[str, Any]


@dataclass
class Turn:
    """One turn as it is stored: the operations that its messages name, and how it ended."""

    operations: set[str] = field(default_factory=set)
    answered: bool = False

    @property
    def operation(self) -> str:
        return min(self.operations, default="")


@dataclass
class Findings:
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    interleaved: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    undeleted: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    overspent: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in vars(self).items()}


def read_events(logs: Iterable[Path]) -> list[Event]:
    """A killed process may have been cut within its last line."""
    lines = [line for log in logs for line in log.read_bytes().split(b"\n") if line.endswith(b"}")]
    return sorted((json.loads(line) for line in lines), key=lambda event: event["at"])


def check(events: Sequence[Event], connection: "psycopg.Connection[Any]") -> Findings:
    findings = Findings()
    histories = _read_histories(connection)
    turns = {session: _turns_of(messages) for (session, agent), messages in histories.items() if agent == "default"}
    for (session, agent), messages in histories.items():
        try:
            assert_closed(messages)
        except AssertionError as error:
            findings.invalid.append(f"{session}, {agent}: {error}")
    findings.unexpected = [
        f"{event['operation']}: {event['error']}" for event in events if event["event"] == "unexpected"
    ]
    findings.gaps = find_gaps(events, connection)
    findings.overspent = find_overspent(connection)
    _check_acknowledged(events, turns, findings)
    _check_doubles(events, turns, findings)
    _check_order(events, turns, connection, findings)
    return findings


def _read_histories(connection: "psycopg.Connection[Any]") -> dict[tuple[str, str], list[dict[str, Any]]]:
    histories: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for session_id, agent_id, message_id, message in connection.execute(
        "SELECT session_id, agent_id, message_id, message::text FROM sessions JOIN messages USING (session_key)"
        " ORDER BY session_id, agent_id, message_id"
    ):
        history = histories[session_id, agent_id]
        assert message_id == len(history), f"{session_id}, {agent_id}: ids are not dense"
        history.append(decode(message))
    return histories


def _turns_of(messages: Sequence[dict[str, Any]]) -> list[Turn]:
    turns: list[Turn] = []
    for message in messages:
        if message["role"] == "user" and "text" in message["content"][0]:
            turns.append(Turn())
        if not turns:
            turns.append(Turn())
        for text in _texts(message):
            turns[-1].operations.update(_OPERATION.findall(text))
            turns[-1].answered |= text.startswith("answer ")
    return turns


def _texts(message: dict[str, Any]) -> Iterable[str]:
    for block in message["content"]:
        if "text" in block and block["text"] not in (TURN_INTERRUPTED, TURN_ENDED):
            yield block["text"]
        if "toolUse" in block:
            yield f"prompt {block['toolUse']['input']['name']}"
        if "toolResult" in block and block["toolResult"]["content"][0]["text"] != TOOL_INTERRUPTED:
            yield block["toolResult"]["content"][0]["text"]


def _check_acknowledged(events: Sequence[Event], turns: dict[str, list[Turn]], findings: Findings) -> None:
    begun = {event["operation"]: event["at"] for event in events if event["event"] == "begun"}
    deletions: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, event in enumerate(events):
        if event["event"] == "deleting":
            deletions[event["session_id"]].append((event["at"], _end_of_deletion(events, number)))
    present = {session: {turn.operation for turn in of if turn.answered} for session, of in turns.items()}
    for event in events:
        if event["event"] != "acknowledged":
            continue
        operation, session = event["operation"], event["session_id"]
        there = operation in present.get(session, ())
        if not there and not any(end >= begun[operation] for _, end in deletions[session]):
            findings.lost.append(operation)
        if there and any(start > event["at"] and end < float("inf") for start, end in deletions[session]):
            findings.undeleted.append(operation)


def _end_of_deletion(events: Sequence[Event], number: int) -> float:
    """Infinity for one whose process was killed, or that was refused."""
    start = events[number]
    for event in events[number + 1 :]:
        if event["operation"] == start["operation"] and event["event"] == "deleted":
            return event["at"]
        if event["operation"] == start["operation"] and event["event"] == "deleting":
            break
    return float("inf")


def _check_doubles(events: Sequence[Event], turns: dict[str, list[Turn]], findings: Findings) -> None:
    stored = Counter(operation for of in turns.values() for turn in of for operation in turn.operations)
    findings.doubled += [f"{operation} in {count} turns" for operation, count in stored.items() if count > 1]
    effects = Counter(event["operation"] for event in events if event["event"] == "effect")
    findings.doubled += [f"{operation}, approved once, was done {n} times" for operation, n in effects.items() if n > 1]
    runs_of_key: dict[str, set[str]] = defaultdict(set)
    keys = {event["operation"]: event["key"] for event in events if event["event"] == "try" and event["key"]}
    for event in events:
        if event["event"] in ("acknowledged", "replayed") and event["key"]:
            runs_of_key[event["key"]].add(event["run_id"])
    answered = Counter(
        keys[turn.operation] for of in turns.values() for turn in of if turn.answered and turn.operation in keys
    )
    findings.doubled += [f"{key} answered {count} times" for key, count in answered.items() if count > 1]
    findings.doubled += [f"{key} was {len(runs)} runs" for key, runs in runs_of_key.items() if len(runs) > 1]


def _check_order(
    events: Sequence[Event], turns: dict[str, list[Turn]], connection: "psycopg.Connection[Any]", findings: Findings
) -> None:
    """Within a turn one operation alone; from turn to turn the fence of its run grows."""
    run_of = {event["operation"]: event["run_id"] for event in events if event["event"] == "begun"}
    fences = dict(connection.execute("SELECT run_id::text, fence FROM runs").fetchall())
    for session, of in turns.items():
        mixed = [turn for turn in of if len(turn.operations) != 1]
        findings.interleaved += [f"{session}: {sorted(turn.operations)} in one turn" for turn in mixed]
        order = [fences[run_of[turn.operation]] for turn in of if turn.operation in run_of]
        if len(order) != len(of):
            findings.interleaved.append(f"{session}: messages of a run that never began")
        if any(later <= earlier for earlier, later in pairwise(order)):
            findings.interleaved.append(f"{session}: fences {order}")


def count_kinds(events: Sequence[Event]) -> Counter[str]:
    return Counter(event["event"] for event in events)
