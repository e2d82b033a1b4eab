"""What a run refuses before it begins."""

import math
from typing import Any

import pytest

from session_store.errors import InvalidInputError
from session_store.repository import PostgreSQLSessionRepository


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("session_id", ""), ("session_id", "x" * 256), ("agent_id", ""), ("idempotency_key", "")),
        *(("idempotency_key", "x" * 256), ("request_hash", "\0"), ("lease_seconds", 0), ("lease_seconds", -1)),
        *(("lease_seconds", math.nan), ("lease_seconds", math.inf), ("lease_seconds", 3601)),
    ],
)
def test_a_run_of_a_bad_argument_does_not_begin(
    repository: PostgreSQLSessionRepository, field: str, value: object
) -> None:
    arguments: dict[str, Any] = {"session_id": "user-123", "idempotency_key": "key", field: value}
    with pytest.raises(InvalidInputError, match=field), repository.run(**arguments):
        pass
    assert repository.list_sessions().sessions == []


def test_a_run_without_a_session_id_begins_a_session_of_its_own(repository: PostgreSQLSessionRepository) -> None:
    with repository.run() as run:
        pass
    assert [session.session_id for session in repository.list_sessions().sessions] == [run.session_id]
