"""POST /process: one turn of the agent, answered when it is stored."""

from aws_lambda_powertools.event_handler import Response

from api.app import Api
from api.process_request import parse_turn
from api.request import Request
from api.responses import json_response
from turns.engine import TurnEngine
from turns.projections import whole


def add_process(api: Api, turns: TurnEngine) -> None:
    def process(request: Request) -> Response[str]:
        turn = turns.run(parse_turn(request, api.settings.run_timeout_seconds))
        return json_response(whole.answer(turn))

    api.route("POST", "/process", process)
