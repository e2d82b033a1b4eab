"""Spans of a run: in a process of their own, since a process has one tracer provider."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from strands import Agent
from session_store import PostgreSQLSessionRepository
from tests.support.scripted_model import ScriptedModel, UseTool
from tests.storage.test_async import look_up

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
repository = PostgreSQLSessionRepository(sys.argv[1])
with repository.run("user-123") as run:
    model = ScriptedModel(UseTool("look_up", {}), "answer")
    Agent(model=model, session_manager=run.session_manager, tools=[look_up], callback_handler=None)("Hello")
try:
    with repository.run("user-123"):
        raise ValueError("my secret")
except ValueError:
    pass
try:
    with repository.run("user-123"), repository.run("user-123"):
        pass
except Exception:
    pass
print(json.dumps([[span.name, dict(span.attributes), str(span.status.status_code), len(span.events)]
                  for span in exporter.get_finished_spans()]))
"""


def test_begin_flushes_and_commit_have_spans_that_name_their_conversation_and_quote_nothing(database_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, database_url], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spans = json.loads(done.stdout)
    own = [span for span in spans if span[0].startswith("session_store ")]
    names = [name.removeprefix("session_store ") for name, *_ in own]
    assert names == ["begin", "flush", "flush", "commit", "begin", "commit", "begin", "begin", "commit"]
    for name, attributes, status, events in own:
        assert attributes["session.id"] == attributes["gen_ai.conversation.id"] == "user-123", name
        assert set(attributes) <= {"session.id", "gen_ai.conversation.id", "session_store.run_id", "error.type"}
        assert (status, events) in (("StatusCode.UNSET", 0), ("StatusCode.ERROR", 0))
    assert own[7][1]["error.type"] == "session_busy"
    (agent_span,) = [span for span in spans if span[0].startswith("invoke_agent")]
    assert agent_span[1]["session.id"] == agent_span[1]["gen_ai.conversation.id"] == "user-123"
