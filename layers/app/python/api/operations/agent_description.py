"""GET /agent: what the agent is."""

from api import answers
from api.call import Call
from api.operation import Operation
from api.response import Response, json_response


def describe_agent(call: Call) -> Response:
    answer = call.turns.describe(call.owner, call.end_user, call.request.claims)
    if not call.settings.show_system_prompt:
        for part in answer["agents"]:
            part["system_prompt"] = None
    return json_response(answer)


OPERATIONS = (
    Operation(
        operation_id="describeAgent",
        method="GET",
        path="/agent",
        handle=describe_agent,
        summary="What this agent is",
        description="Its model and tools, and what one may ask first. Of a Graph or a Swarm, each agent with its node.",
        answer=answers.AgentDescription,
        example={
            "agent_id": "default",
            "agents": [
                {
                    "node": None,
                    "name": "Strands Agents",
                    "description": None,
                    "provider": "bedrock",
                    "model_id": "global.anthropic.claude-sonnet-4-6",
                    "tools": [
                        {
                            "name": "calculator",
                            "description": "Compute an arithmetic expression.",
                            "input_schema": {"type": "object", "properties": {"expression": {"type": "string"}}},
                        }
                    ],
                    "system_prompt": None,
                }
            ],
            "suggestions": ["What is (58 − 13) × 2?"],
        },
    ),
)
