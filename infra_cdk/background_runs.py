"""POST /runs: API Gateway puts the request into Lambda's own queue, and answers 202.

docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
"""

import json
from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.acknowledge import acknowledge
from infra_cdk.gateway_responses import TOO_LARGE
from infra_cdk.settings import Settings
from infra_cdk.switches.callers import Authorization

MAXIMUM_EVENT_AGE = Duration.hours(6)  # Lambda's own limit
# A run that has begun is never begun again, so a try costs nothing where the first one came that far.
RETRY_ATTEMPTS = 2

# As `session_store.background_runs.new_run_id`: the request's random bits, and when it came.
RUN_ID = "$request.substring(0,14)8$request.substring(15,19)8$request.substring(20,24)$milliseconds.substring(0,12)"
_SET_RUN_ID = f"""\
#set($request = "$context.requestId")
#set($milliseconds = "$context.requestTimeEpoch")
#set($runId = "{RUN_ID}")
"""


def _escaped(value: str) -> str:
    """`escapeJavaScript` makes of an apostrophe what is no JSON:
    docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html

    The `!` leaves nothing of what is null, as a claim is that a user lacks: without it Velocity writes the expression.
    """
    return f"""$!util.escapeJavaScript({value}).replaceAll("\\\\'","'")"""


# No header but those that the function reads: events stay in queues, and credentials must not.
_HEADERS = f"""{{"x-queued": "true"\
#foreach($name in $input.params().header.keySet())\
#if($name.toLowerCase().matches("content-type|idempotency-key|end-user")), \
"$name.toLowerCase()": "{_escaped("$input.params().header.get($name)")}"\
#end#end}}"""
_AUTHORIZED_CALLER = "authorized_caller"  # as in api/edges/api_gateway_caller.py
_CLAIMS = ("iss", "sub", "email", "cognito:username", "cognito:groups")


class BackgroundRuns(Construct):
    """The queue of a function's events: how often they are tried, and where those go that failed for good."""

    def __init__(self, scope: Construct, name: str, *, function: lambda_.Function, settings: Settings) -> None:
        super().__init__(scope, name)
        self.failed = sqs.Queue(
            self,
            "Failed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(
            self.failed, "This is itself a dead-letter queue", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"
        )
        function.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.failed),
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=Duration.hours(min(6, settings.run_ttl_hours or 6)),
        )


def make_queue_integration(
    function: lambda_.IFunction, *, authorization: Authorization
) -> apigateway.LambdaIntegration:
    """Hands over what a proxy integration would."""
    return apigateway.LambdaIntegration(
        function,
        proxy=False,
        allow_test_invoke=False,
        passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
        request_parameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
        request_templates={"application/json": _dump_event_template(authorization)},
        integration_responses=[
            apigateway.IntegrationResponse(
                status_code="202", response_templates={"application/json": _dump_answer_template()}
            ),
            # Of events above 1 MiB: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. Where API Gateway does not
            # answer Lambda's refusal by itself, as it does for functions that are waited for, it is no 202 either.
            apigateway.IntegrationResponse(
                status_code="413",
                selection_pattern="(?s).*([Tt]oo ?[Ll]arge).*",
                response_parameters={"method.response.header.Content-Type": "'application/problem+json'"},
                response_templates={"application/json": _dump_refusal_template()},
            ),
        ],
    )


def make_queue_responses() -> list[apigateway.MethodResponse]:
    headers = {"202": "Location", "413": "Content-Type"}
    return [
        apigateway.MethodResponse(status_code=status, response_parameters={f"method.response.header.{header}": True})
        for status, header in headers.items()
    ]


def _dump_event_template(authorization: Authorization) -> str:
    """The event of `Request` in api/edges/api_gateway.py."""
    context: dict[str, object] = {
        "requestId": "$runId",
        "path": "$context.path",
        "identity": {name: f"$context.identity.{name}" for name in ("user", "caller", "cognitoIdentityId", "userArn")},
    }
    if authorization == "cognito":
        context["authorizer"] = {"claims": "CLAIMS"}
    if authorization == "jwt":
        context["authorizer"] = {_AUTHORIZED_CALLER: f"$context.authorizer.{_AUTHORIZED_CALLER}"}
    event = {
        "resource": "$context.resourcePath",
        "path": "$context.path",
        "httpMethod": "$context.httpMethod",
        "headers": "HEADERS",
        "requestContext": context,
        "body": "$util.base64Encode($input.body)",
        "isBase64Encoded": True,
    }
    return _SET_RUN_ID + json.dumps(event).replace('"HEADERS"', _HEADERS).replace('"CLAIMS"', _dump_claims())


def _dump_claims() -> str:
    claims = {name: _escaped(f"$context.authorizer.claims['{name}']") for name in _CLAIMS}
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in claims.items()) + "}"


def _dump_answer_template() -> str:
    answer: Mapping[str, str] = {
        "run_id": "$runId",
        "status": "queued",
        "run": "/runs/$runId",
        "events": "/runs/$runId/events",
    }
    location = '#set($context.responseOverride.header.Location = "/runs/$runId")\n'
    return _SET_RUN_ID + location + json.dumps(answer)


def _dump_refusal_template() -> str:
    problem = {"type": "about:blank", "title": TOO_LARGE, "status": 413, "code": "payload_too_large"}
    return json.dumps({**problem, "request_id": "$context.requestId"})
