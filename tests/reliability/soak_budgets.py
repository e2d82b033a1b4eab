"""The owner of the soak who may begin so many runs a minute, and whether it ever began more."""

from typing import Any

import psycopg

LIMITED_OWNER, RUNS_PER_MINUTE = "limited", 300


def find_overspent(connection: "psycopg.Connection[Any]") -> list[str]:
    rows = connection.execute(
        "SELECT extract(epoch FROM started_at) FROM runs WHERE owner = %s ORDER BY started_at", (LIMITED_OWNER,)
    )
    moments = [float(row[0]) for row in rows.fetchall()]
    return [
        f"{RUNS_PER_MINUTE + 1} runs within {later - earlier:.2f} s"
        for earlier, later in zip(moments, moments[RUNS_PER_MINUTE:], strict=False)
        if later - earlier < 59.9  # a run is counted a moment before it begins
    ]
