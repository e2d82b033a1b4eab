"""PostgreSQL's CPU for a plain turn of the last release and of today, each in processes and a database of its own.

As a program (`whole_turns.py URL SESSIONS TURNS`) it holds the turns with whichever `session_store` its path has, and
prints the milliseconds of one.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5


def measure(databases: dict[str, str], sessions: int, turns: int) -> dict[str, float]:
    """Milliseconds of a turn by the folder of its source, in turns. `databases`: for each folder the URL of its own."""
    taken: dict[str, list[float]] = {source: [] for source in databases}
    for _ in range(ROUNDS):
        for source, url in databases.items():
            environment = {"PYTHONPATH": f"{source}:{ROOT}", "PATH": os.defpath}
            command = [sys.executable, __file__, url, str(sessions), str(turns)]
            taken[source].append(float(subprocess.check_output(command, env=environment, cwd="/", text=True)))
    return {source: median(each) for source, each in taken.items()}


def hold_turns(url: str, sessions: int, turns: int) -> float:
    import psycopg
    from strands import Agent

    from session_store.migrate import apply_migrations
    from session_store.repository import PostgreSQLSessionRepository
    from tests.support.scripted_model import ScriptedModel

    with psycopg.connect(url) as connection:
        apply_migrations(connection)
    repository = PostgreSQLSessionRepository(f"{url}?application_name=turns", owner="owner")

    def hold(turns: int) -> None:
        session_id = os.urandom(8).hex()
        for _ in range(turns):
            with repository.run(session_id) as run:
                model = ScriptedModel("answer " * 80)
                Agent(model=model, session_manager=run.session_manager, callback_handler=None)("prompt " * 80)

    hold(20)  # a connection plans a statement anew until it has seen it five times
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'turns'").fetchall()
    schedule = Path(f"/proc/{found[0][0]}/schedstat")
    before = int(schedule.read_text().split()[0])
    for _ in range(sessions):
        hold(turns)
    return (int(schedule.read_text().split()[0]) - before) / 1e6 / sessions / turns


if __name__ == "__main__":
    sys.stdout.write(f"{hold_turns(sys.argv[1], *map(int, sys.argv[2:]))}\n")
