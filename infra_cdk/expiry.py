"""Deletes expired sessions and runs once a day: more often would keep awake a database that is meant to pause."""

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
        acknowledge(
            self.failed, "This is itself a dead-letter queue", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"
        )
        # The scheduler's dead letters are only the calls that Lambda refused: it does not wait for a call to end.
        function.configure_async_invoke(on_failure=destinations.SqsDestination(self.failed), retry_attempts=2)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        acknowledge(role, "CDK grants a target's versions too; this function has none", any_version_of(function))
        scheduler.Schedule(
            self,
            "Daily",
            description="Deletes expired sessions and runs",
            schedule=scheduler.ScheduleExpression.cron(hour="3", minute="17", time_zone=TimeZone.ETC_UTC),
            time_window=scheduler.TimeWindow.flexible(Duration.minutes(30)),
            target=targets.LambdaInvoke(function, dead_letter_queue=self.failed, retry_attempts=2, role=role),
        )
