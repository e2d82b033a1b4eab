"""What the statements that read runs share."""

from session_store.connection import Statement
from session_store.errors import InvalidInputError, RunNotFoundError
from session_store.identifiers import checked_run_id

# `r` is the run, `s` its session.
STATUS: Statement = """
    CASE WHEN r.status = 'running' AND (s.run_id = r.run_id AND {is_leased_v1}(s.lease_until)) IS NOT TRUE
         THEN 'interrupted' ELSE r.status END"""


def known_run_id(run_id: str) -> str:
    """Raises `RunNotFoundError` for what cannot be the id of a run."""
    try:
        return checked_run_id("run_id", run_id)
    except InvalidInputError as error:
        raise RunNotFoundError(run_id) from error
