"""The floor: a Strands agent over one hand-written statement to restore and one to append. No lease, no owner."""

import json

import psycopg
from harness import main
from strands_agent import build_agent, seed_messages


class Floor:
    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS floor (session_id text, number bigserial, message json,"
            " PRIMARY KEY (session_id, number))"
        )

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        self._append(session_id, seed_messages(messages))

    def turn(self, session_id: str, tools: int, prompt: str = "What next?") -> None:
        agent = build_agent(tools, messages=self._restore(session_id, 40))
        agent(prompt)
        self._append(session_id, agent.messages[-(2 + 2 * tools) :])

    def restore(self, session_id: str, *, window: bool) -> int:
        restored = self._restore(session_id, 40 if window else None)
        return len(build_agent(window=window, messages=restored).messages)

    def _restore(self, session_id: str, limit: int | None) -> list[dict]:
        rows = self._connection.execute(
            "SELECT message::text FROM floor WHERE session_id = %s ORDER BY number DESC LIMIT %s", (session_id, limit)
        ).fetchall()
        return [json.loads(row[0]) for row in reversed(rows)]

    def _append(self, session_id: str, messages: list[dict]) -> None:
        self._connection.execute(
            "INSERT INTO floor (session_id, message) SELECT %s, unnest(%s::text[])::json",
            (session_id, [json.dumps(message) for message in messages]),
        )


if __name__ == "__main__":
    main(Floor)
