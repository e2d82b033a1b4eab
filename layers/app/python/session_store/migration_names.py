"""Which migrations this version brings."""

from pathlib import Path

FOLDER = Path(__file__).parent / "migrations"


def migration_names() -> list[str]:
    """In the order in which they are applied."""
    return sorted(script.name for script in FOLDER.iterdir() if script.name.endswith(".sql"))
