"""The metrics that the alarms and the dashboard share. All but two are AWS's own."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.api import RestApi
from infra_cdk.database import Database
from infra_cdk.functions import Functions

FIVE_MINUTES = Duration.minutes(5)


class Metrics(Construct):
    def __init__(
        self, scope: Construct, name: str, *, api: RestApi, functions: Functions, database: Database, namespace: str
    ) -> None:
        super().__init__(scope, name)
        self._api, self._database = api, database
        self.functions = functions.by_name
        self.busy = self._make_busy_metric(namespace)
        self.passed_over = _make_passed_over_metric(namespace)
        self.requests = api.rest_api.metric_count(period=FIVE_MINUTES, label="Requests")
        self.client_errors = api.rest_api.metric_client_error(period=FIVE_MINUTES, label="4xx")
        self.server_errors = api.rest_api.metric_server_error(period=FIVE_MINUTES, label="5xx")
        self.server_error_rate = _percentage("server_errors", self.server_errors, self.requests, "Answers 5xx, %")
        self.busy_rate = _percentage("busy", self.busy, self.requests, "Answers 409, %")

    def each_function(self, name: str, statistic: str) -> list[cloudwatch.IMetric]:
        return list(self._by_function(name, statistic).values())

    def all_functions(self, name: str) -> cloudwatch.MathExpression:
        metrics = {f"{name.lower()}_{function}": metric for function, metric in self._by_function(name, "Sum").items()}
        return cloudwatch.MathExpression(
            expression="+".join(f"FILL({key}, 0)" for key in metrics),
            using_metrics=metrics,
            period=FIVE_MINUTES,
            label=name,
        )

    def cluster(self, name: str, statistic: str = "Average") -> cloudwatch.Metric:
        return self._database.cluster.metric(name, statistic=statistic, period=FIVE_MINUTES, label=name)

    def proxy(self, name: str, statistic: str = "Average") -> cloudwatch.Metric | None:
        """None without a proxy."""
        if self._database.proxy is None:
            return None
        return cloudwatch.Metric(
            namespace="AWS/RDS",
            metric_name=name,
            dimensions_map={"ProxyName": self._database.proxy.db_proxy_name},
            statistic=statistic,
            period=FIVE_MINUTES,
            label=name,
        )

    def _by_function(self, name: str, statistic: str) -> dict[str, cloudwatch.IMetric]:
        return {
            label: function.metric(name, statistic=statistic, period=FIVE_MINUTES, label=label)
            for label, function in self.functions.items()
        }

    def _make_busy_metric(self, namespace: str) -> cloudwatch.Metric:
        busy = logs.MetricFilter(
            self,
            "Busy",
            log_group=self._api.access_log,
            filter_pattern=logs.FilterPattern.string_value("$.status", "=", "409"),
            metric_namespace=namespace,
            metric_name="BusyAnswers",
            metric_value="1",
        )
        return busy.metric(statistic="Sum", period=FIVE_MINUTES, label="Answers 409")


def _make_passed_over_metric(namespace: str) -> cloudwatch.Metric:
    """What functions/expire counts, with the dimension that Powertools gives it."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name="PassedOver",
        dimensions_map={"service": "expire"},
        statistic="Maximum",
        period=FIVE_MINUTES,
        label="Not deletable",
    )


def _percentage(
    name: str, part: cloudwatch.IMetric, requests: cloudwatch.IMetric, label: str
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=f"100 * FILL({name}, 0) / requests",
        using_metrics={name: part, "requests": requests},
        period=FIVE_MINUTES,
        label=label,
    )
