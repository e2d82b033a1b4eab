"""Deletes what has expired, once a day: oftener would keep a database awake that is meant to pause."""

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.acknowledge import acknowledge, any_version_of


class Expiry(Construct):
    def __init__(self, scope: Construct, name: str, *, function: lambda_.Function) -> None:
        super().__init__(scope, name)
        self.failed = sqs.Queue(
            self,
            "Failed",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(self.failed, "It is itself a dead letter queue", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")
        # The scheduler's own dead letters are calls that Lambda did not take; it never hears how a call ended.
        function.configure_async_invoke(on_failure=destinations.SqsDestination(self.failed), retry_attempts=2)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        acknowledge(role, "CDK grants a target's versions too, and this one has none", any_version_of(function))
        scheduler.Schedule(
            self,
            "Daily",
            description="Deletes expired sessions and runs",
            schedule=scheduler.ScheduleExpression.cron(hour="3", minute="17", time_zone=TimeZone.ETC_UTC),
            time_window=scheduler.TimeWindow.flexible(Duration.minutes(30)),
            target=targets.LambdaInvoke(function, dead_letter_queue=self.failed, retry_attempts=2, role=role),
        )
