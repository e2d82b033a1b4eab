"""The REST API: the routes of the operations that functions/functions.toml assigns, access logs, and limits."""

import json

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.acknowledge import acknowledge, managed_policy
from infra_cdk.background_runs import make_queue_integration, make_queue_responses
from infra_cdk.callers import Callers
from infra_cdk.cors import add_preflight
from infra_cdk.function_table import FunctionRoute, FunctionTable
from infra_cdk.gateway_responses import add_gateway_responses
from infra_cdk.releases import Releases
from infra_cdk.settings import Settings

STAGE = "v1"
# The gateway's maxima: 29 s for a buffered response, 15 min for a stream.
# docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
BUFFERED_TIMEOUT = Duration.seconds(29)
STREAM_TIMEOUT = Duration.minutes(15)

# No path and no query: they name sessions. Numbers are text, because the gateway does not quote values itself.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "latencyMilliseconds": "$context.responseLatency",
    "integrationMilliseconds": "$context.integration.latency",
    "responseBytes": "$context.responseLength",
    "gatewayError": "$context.error.responseType",
    "traceId": "$context.xrayTraceId",
}


class RestApi(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        table: FunctionTable,
        releases: Releases,
        callers: Callers,
        settings: Settings,
    ) -> None:
        super().__init__(scope, name)
        self._releases, self._callers = releases, callers
        self._table = table.functions
        self.access_log = logs.LogGroup(
            self, "AccessLog", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        self.rest_api = apigateway.RestApi(
            self,
            "RestApi",
            rest_api_name=scope.node.id,
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=settings.cloud_watch_role,
            deploy_options=self._stage(settings.requests_per_second),
        )
        self.rest_api.node.try_remove_child("Endpoint")  # CDK's own output: the stack has a clearer one
        add_gateway_responses(self.rest_api, settings.origins)
        for function_route in table.deployed_routes(has_console=callers.own_pool is not None):
            self._add_route(function_route)
        if settings.origins:
            add_preflight(self.rest_api, settings.origins)
        self._keep_execution_log()
        self._acknowledge_api()

    @property
    def url(self) -> str:
        """Without a trailing slash, so that a route can follow."""
        return self.rest_api.url_for_path("/").removesuffix("/")

    @property
    def page_url(self) -> str:
        """The console's address. It refers to no stage: a stage depends on the functions, and one of those gets it."""
        return f"{self.page_origin}/{STAGE}/"

    @property
    def page_origin(self) -> str:
        stack = Stack.of(self)
        return f"https://{self.rest_api.rest_api_id}.execute-api.{stack.region}.{stack.url_suffix}"

    def _add_route(self, function_route: FunctionRoute) -> None:
        route = function_route.route
        method = self.rest_api.root.resource_for_path(route.path).add_method(
            route.method,
            self._integration(function_route.function),
            method_responses=make_queue_responses() if self._table[function_route.function].asynchronous else None,
            **self._callers.method_options(route.access),
        )
        if route.access == "public":
            acknowledge(method, "Public: reads and writes no session", "AwsSolutions-APIG4", "AwsSolutions-COG4")
        elif self._callers.authorization != "cognito":
            acknowledge(method, "Callers are verified by IAM, or by an issuer's tokens", "AwsSolutions-COG4")

    def _acknowledge_api(self) -> None:
        api = self.rest_api
        acknowledge(api, "The functions validate requests and explain what is wrong with them", "AwsSolutions-APIG2")
        role = api.node.try_find_child("CloudWatchRole")
        if role:
            reason = "AWS's documented role for access logs"
            acknowledge(role, reason, managed_policy("AmazonAPIGatewayPushToCloudWatchLogs"))

    def _keep_execution_log(self) -> None:
        """API Gateway makes the group itself where there is none, and then keeps it forever."""
        group = logs.LogGroup(
            self,
            "ExecutionLog",
            log_group_name=f"API-Gateway-Execution-Logs_{self.rest_api.rest_api_id}/{STAGE}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.rest_api.deployment_stage.node.add_dependency(group)

    def _integration(self, name: str) -> apigateway.LambdaIntegration:
        if self._table[name].asynchronous:
            return make_queue_integration(self._releases.targets[name], authorization=self._callers.authorization)
        streams = self._table[name].streaming
        mode = apigateway.ResponseTransferMode
        return apigateway.LambdaIntegration(
            self._releases.targets[name],
            allow_test_invoke=False,
            response_transfer_mode=mode.STREAM if streams else mode.BUFFERED,
            timeout=STREAM_TIMEOUT if streams else BUFFERED_TIMEOUT,
        )

    def _stage(self, requests_per_second: int) -> apigateway.StageOptions:
        return apigateway.StageOptions(
            stage_name=STAGE,
            access_log_destination=apigateway.LogGroupLogDestination(self.access_log),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,  # it would log bodies, which are people's conversations
            tracing_enabled=True,
            throttling_rate_limit=requests_per_second,
            throttling_burst_limit=2 * requests_per_second,
        )
