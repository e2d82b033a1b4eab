"""The streaming route: a run told while it goes on, its success only after the commit."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

from ag_ui.core import BaseEvent, CustomEvent, RunErrorEvent, TextMessageContentEvent, TextMessageStartEvent
from aws_lambda_powertools.event_handler import Response
from strands import Agent
from strands.session.session_manager import SessionManager

from agent.agent import build_agent
from agent.stream_events import RESTARTED, StreamEvents
from agent.turn import Answer, Prompt, StreamEvent, stream
from api import problems
from api.answers import RunAnswer
from api.app import Api
from api.observability import Observability
from api.process_answer import process_answer, repeated_answer, result_to_store, run_answer
from api.process_request import ProcessRequest, idempotency_key_of
from api.request import Request
from api.responses import json_text
from session_store.repository import PostgreSQLSessionRepository
from session_store.run import Run
from session_store.store import Store

Item = TypeVar("Item")

# API Gateway ends a stream that is silent for 5 minutes, an edge-optimized one for 30 s; proxies between are stricter.
# Whether one is due is looked at each half of it, so that at most 12 s pass.
HEARTBEAT_SECONDS = 8.0
HEARTBEAT = ": heartbeat\n\n"
BETWEEN_MESSAGES = "\n\n"
STARTS_OVER = "\n\n[The answer starts over.]\n\n"


class BrokenOffError(Exception):
    """The stream ends before its answer does; says no more than what kind of error it was."""


class StreamingRoute:
    def __init__(self, store: Store, observability: Observability) -> None:
        self._store = store
        self._observability = observability

    def add_to(self, api: Api) -> None:
        api.route("POST", "/process-streaming", self.answer)

    def answer(self, request: Request) -> Response[Iterator[str]]:
        """An error before the first event is an ordinary problem with its status."""
        owner, asked = request.owner, ProcessRequest.of(request)
        run = PostgreSQLSessionRepository(owner=owner, store=self._store).run(
            asked.session_id, idempotency_key=idempotency_key_of(request), request_hash=asked.fingerprint()
        )
        deadline_seconds = request.deadline_seconds(request.settings.streaming_run_timeout_seconds)
        events = _begun(told(run, asked.prompt_for_agent(), deadline_seconds, committed=self._record))
        as_text = wants_text(request.header("Accept"))
        chunks = _begun(plain_text(events)) if as_text else self._event_stream(events, request.request_id)
        # Encoded as in a path: an id may have what no header can carry, outer spaces or letters beyond ASCII.
        headers = {"Cache-Control": "no-cache", "Session-Id": quote(run.session_id, safe=""), "Run-Id": run.run_id}
        media_type = "text/plain" if as_text else "text/event-stream"
        chunks = self._observed(chunks, self._observability.request_keys())
        return Response(HTTPStatus.OK, f"{media_type}; charset=utf-8", chunks, headers=headers)

    def _event_stream(self, events: Iterator[BaseEvent | None], request_id: str) -> Iterator[str]:
        """Server-sent events with ids from 1; what breaks midway is told as `RUN_ERROR`, and the stream ends well."""
        numbers = itertools.count(1)
        try:
            for event in events:
                yield HEARTBEAT if event is None else frame(next(numbers), event)
        except Exception as error:  # noqa: BLE001 - told to the caller, and logged
            self._note(error)
            problem = problems.document(error, request_id)
            yield frame(next(numbers), RunErrorEvent(message=problem["detail"], code=problem["code"]))

    def _observed(self, chunks: Iterator[str], log_keys: Mapping[str, Any]) -> Iterator[str]:
        """When chunks are taken the handler has returned, and with it its log context."""
        with self._observability.logger.append_context_keys(**log_keys):
            try:
                yield from chunks
            except Exception as error:  # noqa: BLE001 - noted here; the runtime would log its causes' words too
                self._note(error)
                raise BrokenOffError(type(error).__name__) from None

    def _note(self, error: Exception) -> None:
        self._observability.record_failure(error)
        self._observability.log_failure(error)

    def _record(self, answer: Answer) -> None:
        self._observability.record_run(answer.timings, answer.usage)


def told(
    run: Run,
    prompt: Prompt,
    deadline_seconds: float,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    build: Callable[[SessionManager], Agent] = build_agent,
    committed: Callable[[Answer], None] | None = None,
) -> Iterator[BaseEvent | None]:
    """The run's AG-UI events, None where a heartbeat is due; `committed` hears of the answer once it is stored.

    What the run raises comes through.
    """
    answer: Answer | None = None
    with run:
        events = StreamEvents(run.session_id, run.run_id)
        if run.stored:
            answered = repeated_answer(run.stored)
            yield events.started()
            yield from events.whole(answered["response"])
            yield events.finished(dict(answered))
            return
        happened = stream(run, prompt, deadline_seconds, heartbeat_seconds / 2, build)
        first = next(happened)  # refuses a prompt that does not fit, before anything is told
        yield events.started()
        for event in _heartbeats(_translated(itertools.chain([first], happened), events), heartbeat_seconds):
            if isinstance(event, Answer):
                answer = event
                run.complete(result_to_store(_stored(answer)))
            else:
                yield event
    if answer:
        if committed:
            committed(answer)
        timings = {**answer.timings, "round_trips": run.round_trips}
        yield events.finished({**process_answer(run.session_id, run.run_id, _stored(answer)), "timings": timings})


def _translated(
    happened: Iterator[StreamEvent | Answer | None], events: StreamEvents
) -> Iterator[BaseEvent | Answer | None]:
    """What there is to tell of what happened; None at moments when there is nothing more."""
    for event in happened:
        if isinstance(event, Answer):
            yield event
        else:
            yield from events.translate(event or {})
            yield None


def _heartbeats(items: Iterator[Item | None], seconds: float) -> Iterator[Item | None]:
    """All items, and None once none came for `seconds`: much may happen that is not told, reasoning for example."""
    told_at = time.monotonic()
    for item in items:
        if item is not None or time.monotonic() - told_at >= seconds:
            yield item
            told_at = time.monotonic()


def _stored(answer: Answer) -> RunAnswer:
    return run_answer(answer.response, answer.stop_reason, answer.usage, answer.interrupts)


def _begun(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, the first of them there already: what it raises is raised here."""
    return itertools.chain(list(itertools.islice(items, 1)), items)


def plain_text(events: Iterator[BaseEvent | None]) -> Iterator[str]:
    """The bare text. An error midway breaks the stream off: there is nothing in text to tell it with."""
    shown: str | None = None  # the message whose text came last
    for event in events:
        if isinstance(event, TextMessageStartEvent):
            if shown:
                yield BETWEEN_MESSAGES
            shown = event.message_id
        elif isinstance(event, TextMessageContentEvent):
            yield event.delta
        elif isinstance(event, CustomEvent) and event.name == RESTARTED and event.value["messageId"] == shown:
            yield STARTS_OVER
            shown = None


def frame(number: int, event: BaseEvent) -> str:
    """Not by pydantic's own JSON, which refuses the lone surrogates that an answer may have."""
    return f"id: {number}\ndata: {json_text(event.model_dump(by_alias=True, exclude_none=True))}\n\n"


def wants_text(accept: str | None) -> bool:
    accepted = [part.split(";")[0].strip().lower() for part in (accept or "").split(",")]
    return "text/plain" in accepted and "text/event-stream" not in accepted
