"""Logs, metrics and traces of a process. Nothing here ever holds a prompt, an answer or an error's own words."""

import traceback
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from api.settings import Settings
from session_store.errors import ConfigurationError, StoreUnavailableError

# Their words are about the service; any other error may quote what it was given.
_OWN_WORDS = (ConfigurationError, StoreUnavailableError)


class Observability:
    def __init__(self, settings: Settings) -> None:
        self.logger = Logger(service=settings.service)
        self._settings = settings

    def record(self, **values: tuple[MetricUnit, float]) -> None:
        """Write metrics at once, as one EMF line: a stream ends after its handler has returned."""
        metrics = EphemeralMetrics(namespace=self._settings.metrics_namespace, service=self._settings.service)
        for name, (unit, value) in values.items():
            metrics.add_metric(name=name, unit=unit, value=value)
        metrics.flush_metrics()

    def log_failure(self, error: BaseException) -> None:
        """Where and by which kinds of error a request failed."""
        self.logger.error("request failed", extra={"error": _described(error)})


def _described(error: BaseException) -> dict[str, Any]:
    chain = _chain(error)
    frames = traceback.extract_tb(chain[-1].__traceback__)
    return {
        "kinds": [type(link).__name__ for link in chain],
        "words": str(error) if isinstance(error, _OWN_WORDS) else None,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain
