"""The spans of a turn, Strands' own among them, sent to a collector by OTLP over HTTP.

Imported only where OTLP_ENDPOINT names one. Strands' spans hold prompts and answers; ours hold ids.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.util.re import parse_env_headers

from api.turn_span import TurnSpan

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.settings import Settings
    from turns.events import Turn

EXPORT_SECONDS = 2.0  # what a collector that does not answer may add to a turn


class SpanExport:
    def __init__(self, endpoint: str, settings: "Settings") -> None:
        """Raises what reading the secret with the headers raises."""
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers=_read_headers(settings.otlp_headers_secret),
            timeout=EXPORT_SECONDS,
        )
        self._provider = TracerProvider(resource=Resource.create({"service.name": settings.service}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(self._provider)  # where Strands looks for it
        self._tracer = self._provider.get_tracer(__name__)

    def turn_span(self) -> "TurnSpan":
        return _ExportedSpan(self._tracer.start_span("turn"), self._provider)


class _ExportedSpan(TurnSpan):
    def __init__(self, span: trace.Span, provider: TracerProvider) -> None:
        self._span, self._provider = span, provider

    def begin(self, run: "Callable[[], Turn]") -> "Turn":
        try:
            with trace.use_span(self._span, record_exception=False, set_status_on_exception=False):
                turn = run()
        except Exception as error:
            self.end(error)
            raise
        self._span.set_attribute("gen_ai.conversation.id", turn.session_id)
        self._span.set_attribute("run.id", turn.run_id)
        return turn

    def end(self, error: BaseException | None = None) -> None:
        if not self._span.is_recording():
            return
        if error is not None:  # its kind alone: the words may quote a prompt
            self._span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
        self._span.end()
        with suppress(Exception):  # a turn that is stored is not undone by its traces
            self._provider.force_flush(int(EXPORT_SECONDS * 1000))


def _read_headers(secret: str | None) -> dict[str, str]:
    if secret is None:
        return {}
    from aws_lambda_powertools.utilities.parameters import get_secret  # pyright: ignore[reportUnknownVariableType]

    return dict(parse_env_headers(str(get_secret(secret)), liberal=True))
