"""POST /process: one turn of the agent, answered when it is stored."""

import gc
import os

gc.disable()  # imports leave nothing to collect, and looking for it takes a twelfth of a cold start

from aws_lambda_powertools.event_handler import Response

from agent import turn
from api.app import Api
from api.process_answer import process_answer, repeated_answer, result_to_store, run_answer
from api.process_request import ProcessRequest, idempotency_key_of
from api.request import Request
from api.responses import json_response
from api.settings import Settings
from session_store.postgresql import open_store
from session_store.repository import PostgreSQLSessionRepository

settings = Settings.from_environment(os.environ)
store = open_store(settings.store)
handler = Api(settings)


def process(request: Request) -> Response[str]:
    owner, asked = request.owner, ProcessRequest.of(request)
    repository = PostgreSQLSessionRepository(store=store, owner=owner)
    with repository.run(
        asked.session_id,
        idempotency_key=idempotency_key_of(request),
        request_hash=asked.fingerprint(),
    ) as run:
        if run.stored:
            return json_response(repeated_answer(run.stored))
        said = turn.answer(run, asked.prompt_for_agent(), request.deadline_seconds(settings.run_timeout_seconds))
        answer = run_answer(said.response, said.stop_reason, said.usage, said.interrupts)
        run.complete(result_to_store(answer))
    handler.observability.record_run(said.timings, said.usage)
    return json_response(process_answer(run.session_id, run.run_id, answer))


handler.route("POST", "/process", process)

gc.freeze()  # what was imported stays: without this, a collection during a turn walks through all of it
gc.enable()
