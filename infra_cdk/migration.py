"""Applies the database migrations during a deployment that changes them, before the functions change."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CustomResource, RemovalPolicy, custom_resources
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from infra_cdk import ROOT
from infra_cdk.acknowledge import acknowledge, any_version_of, managed_policy
from infra_cdk.database import DATA_ROLE, IDLE_SESSION_TIMEOUT_SECONDS, Database
from infra_cdk.function_table import FUNCTIONS_FOLDER
from infra_cdk.settings import Settings

MIGRATIONS_FOLDER = ROOT / "layers/app/python/session_store/migrations"
MIGRATE_HANDLER = FUNCTIONS_FOLDER / "migrate/handler.py"
STATEMENT_TIMEOUT_SECONDS = 10
IDLE_IN_TRANSACTION_TIMEOUT_SECONDS = 10


class Migration(Construct):
    """CDK's framework function runs outside the VPC, where it can reach Lambda and CloudFormation; the function that it
    calls runs inside and needs only the database."""

    def __init__(
        self, scope: Construct, name: str, *, function: lambda_.Function, database: Database, settings: Settings
    ) -> None:
        super().__init__(scope, name)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        provider = custom_resources.Provider(self, "Provider", on_event_handler=function, log_group=log_group)
        self.resource = CustomResource(
            self,
            "Schema",
            resource_type="Custom::SessionSchema",
            service_token=provider.service_token,
            properties=make_properties(settings),
        )
        _acknowledge_framework(provider, function)
        # The first connection needs a running instance and the security group rules of both ends.
        self.resource.node.add_dependency(database.cluster, database.cluster_group, *_groups(function))


def _acknowledge_framework(provider: custom_resources.Provider, function: lambda_.Function) -> None:
    rules = (managed_policy("AWSLambdaBasicExecutionRole"), any_version_of(function))
    rules += tuple(f"Serverless-Lambda{name}" for name in ("DLQ", "DefaultMemorySize", "Tracing"))
    acknowledge(provider, "CDK's own framework function; only CloudFormation calls it, and it sees the errors", *rules)


def make_properties(
    settings: Settings, migrations: Path = MIGRATIONS_FOLDER, handler: Path = MIGRATE_HANDLER
) -> dict[str, object]:
    """A change in any of these makes CloudFormation call the function again. The grants are in its handler."""
    return {
        "Migrations": _hash(sorted(migrations.glob("*.sql"))),
        "Handler": _hash([handler]),
        "DataRole": DATA_ROLE,
        "Schema": settings.database_schema or "",
        "StatementTimeoutSeconds": STATEMENT_TIMEOUT_SECONDS,
        "IdleInTransactionTimeoutSeconds": IDLE_IN_TRANSACTION_TIMEOUT_SECONDS,
        "IdleSessionTimeoutSeconds": 0 if settings.proxy else IDLE_SESSION_TIMEOUT_SECONDS,
    }


def _hash(files: Sequence[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _groups(function: lambda_.Function) -> list[IDependable]:
    return list(function.connections.security_groups)
