"""Whether a run may go on: its lease is kept alive, and its agents end once it is lost or somebody asks for the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from strands.types.agent import LocalAgent

from .errors import LeaseLostError, RunCancelledError, RunNotFoundError, SessionStoreError
from .lease import LeaseKeeper
from .records import RunRequest
from .store import Runs

_RENEWALS_PER_LEASE = 3


class RunLease:
    """agents: those to be ended. time_limit: what a renewal may take."""

    def __init__(
        self, runs: Runs, owner: str, request: RunRequest, time_limit: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self.agents: list[LocalAgent] = []
        self.is_cancelled = False
        self._runs, self._owner, self._request, self._time_limit = runs, owner, request, time_limit
        self._lost: LeaseLostError | None = None
        interval_seconds = request.lease_seconds / _RENEWALS_PER_LEASE
        self._keeper = LeaseKeeper(self._renew, self._watch, self.end_agents, interval_seconds, runs.watch_seconds)

    def start(self) -> None:
        self._keeper.start()

    def stop(self) -> None:
        """Stop renewing; returns when no renewal is under way."""
        self._keeper.stop()

    @property
    def is_called_off(self) -> bool:
        return self.is_cancelled or self._lost is not None

    @property
    def end_reason(self) -> SessionStoreError:
        return self._lost or RunCancelledError(self._request.run_id)

    def check(self) -> None:
        """Raises the reason for which the run is called off, if it is."""
        if self.is_called_off:
            raise self.end_reason

    def cancel(self) -> None:
        self.is_cancelled = True
        self.end_agents()

    def end_agents(self) -> None:
        for agent in self.agents:
            agent.cancel()

    def _renew(self) -> bool:
        request = self._request
        try:
            with self._time_limit():
                if self._runs.renew(self._owner, request.session_id, request.run_id, request.lease_seconds):
                    self.is_cancelled = True
        except LeaseLostError as error:
            self._lost = error
            raise
        return self.is_cancelled

    def _watch(self) -> bool:
        """Between renewals: whether somebody asks for the run's end, or has deleted its session."""
        run_id = self._request.run_id
        try:
            with self._time_limit():
                self.is_cancelled = self.is_cancelled or self._runs.is_cancel_requested(self._owner, run_id)
        except RunNotFoundError:
            self._lost = LeaseLostError(run_id, "the session was deleted")
            raise self._lost from None
        return self.is_cancelled
