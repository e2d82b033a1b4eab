"""Alarms and their notification topic. Missing data counts as healthy: an idle service reports no metrics."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.acknowledge import acknowledge
from infra_cdk.metrics import FIVE_MINUTES, Metrics
from infra_cdk.settings import Settings

SLOW_TURN_MILLISECONDS = 20_000  # a buffered turn is cut off at 25 s
SERVER_ERRORS_PERCENT = 1
BUSY_PERCENT = 10
CAPACITY_PERCENT = 90
CONCURRENCY_PERCENT = 80


class Alarms(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        metrics: Metrics,
        expiry_failures: sqs.IQueue,
        background_failures: sqs.IQueue,
        key: kms.IKey,
        settings: Settings,
    ) -> None:
        super().__init__(scope, name)
        self._topic = self._make_topic(key, settings.alarm_email) if settings.alarm_email else None
        self.all: list[cloudwatch.Alarm] = []
        self.of_a_release: list[cloudwatch.Alarm] = []
        self._add_response_alarms(metrics)
        self._add_database_alarms(metrics)
        self._add_concurrency_alarms(metrics, settings.reserved_concurrency)
        if settings.canary:
            what = "Answers 5xx, % of all, at once: calls a new version off"
            self.of_a_release.append(self._add("ReleaseErrors", metrics.server_error_rate, SERVER_ERRORS_PERCENT, what))
        self._add("ExpiryFailed", _waiting(expiry_failures), 1, "The daily deletion failed; its event is in the queue")
        what = "Sessions or runs that the daily deletion cannot delete; its log names them"
        self._add("PassedOver", metrics.passed_over, 1, what)
        what = "A background run never began; its event is in the queue"
        self._add("BackgroundRunsFailed", _waiting(background_failures), 1, what)

    def _add_response_alarms(self, metrics: Metrics) -> None:
        self._add("ServerErrors", metrics.server_error_rate, SERVER_ERRORS_PERCENT, "Answers 5xx, % of all", periods=3)
        crashes = self._add("FunctionErrors", metrics.all_functions("Errors"), 1, "A function ended without an answer")
        self.of_a_release.append(crashes)
        slow = metrics.functions["process"].metric_duration(statistic="p99", period=FIVE_MINUTES)
        self._add("SlowTurns", slow, SLOW_TURN_MILLISECONDS, "p99 of a buffered turn, milliseconds", periods=3)
        self._add("BusyAnswers", metrics.busy_rate, BUSY_PERCENT, "Sessions were busy, % of all answers", periods=3)

    def _add_database_alarms(self, metrics: Metrics) -> None:
        capacity = metrics.cluster("ACUUtilization")
        self._add("DatabaseCapacity", capacity, CAPACITY_PERCENT, "Aurora nears maximum_capacity, %", periods=3)
        pinned = metrics.proxy("DatabaseConnectionsCurrentlySessionPinned", "Maximum")
        if pinned is not None:
            self._add("PinnedConnections", pinned, 1, "A statement pins connections of the proxy", periods=3)

    def _add_concurrency_alarms(self, metrics: Metrics, reserved: int | None) -> None:
        self._add("Throttles", metrics.all_functions("Throttles"), 1, "Lambda refused calls: raise the concurrency")
        if reserved is None:
            return
        for name in ("process", "process_streaming", "process_background"):
            concurrency = metrics.functions[name].metric(
                "ConcurrentExecutions", statistic="Maximum", period=FIVE_MINUTES
            )
            limit = reserved * CONCURRENCY_PERCENT / 100
            what = f"{name} nears its {reserved} concurrent calls"
            self._add(f"Concurrency-{name}", concurrency, limit, what, periods=3)

    def _add(
        self, name: str, metric: cloudwatch.IMetric, threshold: float, description: str, *, periods: int = 1
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))
            alarm.add_ok_action(actions.SnsAction(self._topic))
        self.all.append(alarm)
        return alarm

    def _make_topic(self, key: kms.IKey, email: str) -> sns.Topic:
        topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        # `enforce_ssl` replaces the default topic policy, which lets the account's alarms publish: grant that again.
        cloudwatch_service = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        topic.grant_publish(cloudwatch_service.with_conditions(_from_this_account(self)))
        key.grant_encrypt_decrypt(cloudwatch_service.with_conditions(_from_this_account(self)))
        subscription = topic.add_subscription(subscriptions.EmailSubscription(email))
        acknowledge(subscription, "An undeliverable email needs no retry", "Serverless-SNSRedrivePolicy")
        return topic


def _waiting(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES)


def _from_this_account(scope: Construct) -> dict[str, object]:
    return {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
