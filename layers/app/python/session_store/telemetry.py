"""Spans of what a run does in the database, by the OpenTelemetry that Strands brings; nothing without its SDK."""

from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry import trace

from .errors import SessionStoreError

_tracer = trace.get_tracer("session_store")


def trace_attributes(session_id: str) -> dict[str, str]:
    """What groups spans by conversation; Strands sets neither."""
    return {"session.id": session_id, "gen_ai.conversation.id": session_id}


@contextmanager
def traced(name: str, session_id: str, run_id: str) -> Generator[None]:
    """A span around the block. An error is named by its code: its words may quote what was said."""
    attributes = {**trace_attributes(session_id), "session_store.run_id": run_id}
    span = _tracer.start_span(f"session_store {name}", attributes=attributes)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            span.set_attribute(
                "error.type", error.code if isinstance(error, SessionStoreError) else type(error).__name__
            )
            span.set_status(trace.StatusCode.ERROR)
            raise
