"""From a source into this store: each session whole, in one statement, or not at all."""

import json

from session_store.errors import InvalidInputError, SessionBusyError
from session_store.postgresql import PostgreSQLStore
from session_store.records import ValueWrite
from session_store.storage_keys import checked_value, parse_key

from .records import WholeSession, parse_session
from .report import Report, with_progress
from .source import DamagedError, Source


class Import:
    """Begun again it goes on where it was broken off: what is there already is compared and left as it is."""

    def __init__(self, store: PostgreSQLStore, owner: str, report: Report, *, is_dry_run: bool) -> None:
        self._store, self._owner, self._report, self._is_dry_run = store, owner, report, is_dry_run

    def run(self, source: Source) -> None:
        for session_id in with_progress(source.list_session_ids(), "sessions"):
            try:
                self._import_session(parse_session(session_id, source.read_session(session_id)))
            except (DamagedError, InvalidInputError) as error:
                self._report.refuse(f"session {session_id!r}", error)
        for key in with_progress(source.list_keys(), "values"):
            try:
                self._import_value(key, source)
            except (DamagedError, InvalidInputError, SessionBusyError) as error:
                self._report.refuse(f"value {key!r}", error)

    def _import_session(self, whole: WholeSession) -> None:
        session_id = whole.session.session_id
        if self._store.sessions.read(self._owner, session_id) is not None:
            self._compare(whole)
            return
        if not self._is_dry_run and not self._store.imports.create(self._owner, *whole):
            raise DamagedError("it was created here meanwhile")
        self._report.count("imported sessions")
        self._report.count("imported messages", len(whole.messages))

    def _compare(self, whole: WholeSession) -> None:
        stored = {agent.agent_id: agent for agent in self._store.agents.list(self._owner, whole.session.session_id)}
        for agent in whole.agents:
            known = stored.get(agent.agent_id)
            if known is None or known.message_count < agent.message_count:
                raise DamagedError("it is here already, with less in it; delete it here to import it again")
        self._report.count("found sessions already here")

    def _import_value(self, key: str, source: Source) -> None:
        data = checked_value(key, source.read_value(key))
        if key.endswith("snapshot_latest.json"):
            _check_snapshot(data)
        stored = self._store.values.read(self._owner, parse_key(key))
        if stored is None:
            if not self._is_dry_run:
                self._store.values.write(self._owner, ValueWrite(parse_key(key), data))
            self._report.count("imported values")
        elif stored == data:
            self._report.count("found values already here")
        else:
            raise DamagedError("it is here already, with another content")


def _check_snapshot(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"it is not JSON: {error}") from error
    if not isinstance(document, dict) or not {"scope", "schema_version", "data"} <= document.keys():
        raise DamagedError("it is no snapshot of Strands")
