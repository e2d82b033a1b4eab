"""Logs, metrics and traces of a process.

They never hold a prompt, an answer or an error's own words, unless `LOG_ERROR_WORDS` allows it.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from api.settings import Settings
from api.turn_span import TurnSpan
from session_store.errors import ConfigurationError, RunError, SessionBusyError, StoreUnavailableError

if TYPE_CHECKING:  # functions without an agent need none of it
    from api.span_export import SpanExport
    from turns.answer import Usage

# Their words are about the service; any other error may quote what it was given.
_OWN_WORDS = (ConfigurationError, StoreUnavailableError)
_OUR_LOGGERS = ("session_store", "agent", "turns", "response_streaming")
_LIBRARIES = ("strands", "asyncio", "uvicorn")

Handler = Callable[[Any, Any], dict[str, Any]]


class Observability:
    """What is logged is one JSON line; what is measured is written at once, as one line in CloudWatch's EMF.

    At once, because a stream goes on after its handler has returned.
    """

    def __init__(self, settings: Settings) -> None:
        self.logger = Logger(service=settings.service, level=settings.log_level)
        self._settings = settings
        self._set_up_logs()
        self._spans = self._start_span_export()

    def _start_span_export(self) -> "SpanExport | None":
        """None where no collector is named, or its headers cannot be read: turns go on without spans."""
        if self._settings.otlp_endpoint is None:
            return None
        from api.span_export import SpanExport

        try:
            return SpanExport(self._settings.otlp_endpoint, self._settings)
        except Exception as error:  # noqa: BLE001 - whatever the secret's service raises
            self.logger.warning("no spans are exported", extra={"kind": type(error).__name__})
            return None

    def turn_span(self) -> TurnSpan:
        return self._spans.turn_span() if self._spans else TurnSpan()

    def traced(self, handler: Handler) -> Handler:
        """`handler`, as X-Ray segments where tracing is on."""
        if not self._settings.tracing:
            return handler
        from aws_lambda_powertools import Tracer  # brings X-Ray's SDK along

        tracer = Tracer(service=self._settings.service, disabled=False)
        return tracer.capture_lambda_handler(handler, capture_response=False, capture_error=False)

    def request_context(
        self, request_id: str | None, function_request_id: str | None = None
    ) -> AbstractContextManager[None]:
        """Within it, each line of the log has the ids of the request and of the invocation."""
        return self.log_keys(correlation_id=request_id, function_request_id=function_request_id)

    def log_keys(self, **keys: Any) -> AbstractContextManager[None]:
        """Within it, each line of the log has these."""
        return self.logger.append_context_keys(**keys)

    def request_keys(self) -> dict[str, Any]:
        """The ids that each line of the present request has, for a stream that outlives its handler."""
        keys = self.logger.get_current_keys()
        return {name: keys[name] for name in ("correlation_id", "function_request_id")}

    def record(self, **values: tuple[MetricUnit, float]) -> None:
        metrics = EphemeralMetrics(namespace=self._settings.metrics_namespace, service=self._settings.service)
        for name, (unit, value) in values.items():
            metrics.add_metric(name=name, unit=unit, value=value)
        metrics.flush_metrics()

    def record_run(self, timings: Mapping[str, float], usage: "Usage") -> None:
        """A run that was stored; `timings` and `usage` as a turn's engine has them."""
        self.record(
            Runs=(MetricUnit.Count, 1),
            RunTime=(MetricUnit.Milliseconds, timings["total_ms"]),
            RestoreTime=(MetricUnit.Milliseconds, timings["restore_ms"]),
            FirstTokenTime=(MetricUnit.Milliseconds, timings["first_token_ms"]),
            InputTokens=(MetricUnit.Count, usage["input_tokens"]),
            OutputTokens=(MetricUnit.Count, usage["output_tokens"]),
        )

    def record_failure(self, error: Exception) -> None:
        """Counted: a session that was busy, and a run that failed by itself."""
        if isinstance(error, SessionBusyError):
            self.record(BusySessions=(MetricUnit.Count, 1))
        if isinstance(error, RunError):
            self.record(FailedRuns=(MetricUnit.Count, 1))

    def log_request(self, route: str, status: int, seconds: float) -> None:
        self.logger.info(
            "request", extra={"route": route, "status": int(status), "duration_ms": round(seconds * 1000, 1)}
        )

    def note_failure(self, error: Exception) -> None:
        """One that no response can be made of any more."""
        self.record_failure(error)
        self.log_failure(error)

    def log_failure(self, error: Exception) -> None:
        self.logger.error("request failed", exc_info=error)

    def _set_up_logs(self) -> None:
        """One handler for ours and for the libraries that hold prompts."""
        handler = self.logger.registered_handler
        redact = _keep_words if self._settings.log_error_words else _without_words
        if not {_keep_words, _without_words} & set(handler.filters):
            handler.addFilter(redact)
        for name in _OUR_LOGGERS + _LIBRARIES:
            other = logging.getLogger(name)
            other.handlers, other.propagate = [handler], False


def _keep_words(record: logging.LogRecord) -> bool:
    """For a developer's terminal: the traceback as Python prints it, before the line of JSON that names the error."""
    if record.exc_info and (error := record.exc_info[1]):
        record.error = _described(error) | {"words": str(error)}
        sys.stderr.write("".join(traceback.format_exception(error)))
    record.exc_info = record.exc_text = None
    return True


def _without_words(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[1]:
        record.error = _described(record.exc_info[1])
    record.exc_info = record.exc_text = None
    if record.name.partition(".")[0] in _LIBRARIES:
        # A text without arguments may be made of values already.
        record.msg, record.args = record.msg if record.args else f"{record.name}:{record.lineno}", None
    return True


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
