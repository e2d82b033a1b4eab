"""Logs and metrics of a process that answers many requests at once."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector

from api.observability import Observability
from api.settings import Settings

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300, 900)
_WORDS = re.compile(r"(?<!^)(?=[A-Z])")


class ServerObservability(Observability):
    """The keys of a line are its request's, whichever thread writes it; metrics wait for Prometheus.

    A count `FailedRuns` is the counter `agent_sessions_failed_runs_total`, a time `RunTime` the histogram
    `agent_sessions_run_time_seconds`.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._prefix = _snake(settings.metrics_namespace)
        self._recorders: dict[str, Counter | Histogram] = {}
        self._requests = Histogram(
            f"{self._prefix}_request_seconds",
            "Until the status was known, by route and status",
            ("route", "status"),
            registry=self.registry,
            buckets=SECONDS,
        )
        for name in ("Runs", "FailedRuns", "BusySessions"):  # a counter that is missing looks like one without data
            self._recorder(name, MetricUnit.Count)

    @contextmanager
    def log_keys(self, **keys: Any) -> Generator[None]:
        present = {name: value for name, value in keys.items() if value is not None}
        self.logger.thread_safe_append_keys(**present)
        try:
            yield
        finally:
            self.logger.thread_safe_remove_keys(present)

    def request_keys(self) -> dict[str, Any]:
        """None: a request's thread has them until its response is complete."""
        return {}

    def record(self, **values: tuple[MetricUnit, float]) -> None:
        for name, (unit, value) in values.items():
            recorder = self._recorder(name, unit)
            if isinstance(recorder, Histogram):
                recorder.observe(value / 1000)
            else:
                recorder.inc(value)

    def log_request(self, route: str, status: int, seconds: float) -> None:
        super().log_request(route, status, seconds)
        self._requests.labels(route, str(int(status))).observe(seconds)

    def _recorder(self, name: str, unit: MetricUnit) -> Counter | Histogram:
        if name not in self._recorders:
            named = f"{self._prefix}_{_snake(name)}"
            self._recorders[name] = (
                Histogram(f"{named}_seconds", name, registry=self.registry, buckets=SECONDS)
                if unit is MetricUnit.Milliseconds
                else Counter(named, name, registry=self.registry)
            )
        return self._recorders[name]


def _snake(name: str) -> str:
    return _WORDS.sub("_", name).lower()
