"""One dashboard: health, cost, latency."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra_cdk.alarms import Alarms
from infra_cdk.api import RestApi
from infra_cdk.background_runs import BackgroundRuns
from infra_cdk.database import Database
from infra_cdk.expiry import Expiry
from infra_cdk.functions import Functions, StackContext
from infra_cdk.metrics import FIVE_MINUTES, Metrics
from infra_cdk.settings import Settings

_WIDTH = 8  # a third of CloudWatch's 24 columns


class Observability(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        api: RestApi,
        functions: Functions,
        database: Database,
        expiry: Expiry,
        background_runs: BackgroundRuns,
        context: StackContext,
    ) -> None:
        super().__init__(scope, name)
        settings = context.settings
        metrics = Metrics(
            self, "Metrics", api=api, functions=functions, database=database, namespace=settings.stack_name
        )
        alarms = Alarms(
            self,
            "Alarms",
            metrics=metrics,
            expiry_failures=expiry.failed,
            background_failures=background_runs.failed,
            key=context.key,
            settings=settings,
        )
        self.release_alarms = alarms.of_a_release
        dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=f"{settings.stack_name}-{Stack.of(self).region}"
        )
        dashboard.add_widgets(*_health_widgets(metrics, alarms))
        dashboard.add_widgets(*_cost_widgets(metrics, settings))
        dashboard.add_widgets(*_latency_widgets(metrics, api))
        self.dashboard_url = _link(Stack.of(self), dashboard.dashboard_name)


def _health_widgets(metrics: Metrics, alarms: Alarms) -> list[cloudwatch.IWidget]:
    return [
        cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms.all, width=_WIDTH, height=6),
        _graph("Answers", [metrics.requests, metrics.client_errors, metrics.server_errors, metrics.busy]),
        _graph("Errors and refused calls", [metrics.all_functions("Errors"), metrics.all_functions("Throttles")]),
    ]


def _cost_widgets(metrics: Metrics, settings: Settings) -> list[cloudwatch.IWidget]:
    widgets: list[cloudwatch.IWidget] = [
        _graph("Database capacity, ACU", [metrics.cluster("ServerlessDatabaseCapacity")]),
        _graph("Lambda milliseconds, total", metrics.each_function("Duration", "Sum")),
    ]
    if settings.model_provider == "bedrock":
        widgets.append(_graph("Tokens", [_tokens("InputTokenCount", settings), _tokens("OutputTokenCount", settings)]))
    return widgets


def _latency_widgets(metrics: Metrics, api: RestApi) -> list[cloudwatch.IWidget]:
    gateway = [api.rest_api.metric_latency(statistic="p99"), api.rest_api.metric_integration_latency(statistic="p99")]
    connections = [metrics.cluster("DatabaseConnections"), metrics.proxy("DatabaseConnectionsCurrentlySessionPinned")]
    borrowing = metrics.proxy("DatabaseConnectionsBorrowLatency")
    return [
        _graph("p99 of functions, milliseconds", metrics.each_function("Duration", "p99")),
        _graph("p99 at the gateway, milliseconds", gateway),
        _graph("Database connections", [metric for metric in connections if metric is not None]),
        *([_graph("Waiting for the proxy, microseconds", [borrowing])] if borrowing is not None else []),
    ]


def _tokens(name: str, settings: Settings) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/Bedrock",
        metric_name=name,
        dimensions_map={"ModelId": settings.model},
        statistic="Sum",
        period=FIVE_MINUTES,
    )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=_WIDTH, height=6)


def _link(stack: Stack, dashboard_name: str) -> str:
    return f"https://{stack.region}.console.aws.amazon.com/cloudwatch/home?region={stack.region}#dashboards/dashboard/{dashboard_name}"
