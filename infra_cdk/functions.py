"""The functions in functions/functions.toml and their layers. Each has its own role, log group and security group."""

import os
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk import ROOT
from infra_cdk.acknowledge import acknowledge
from infra_cdk.agent_access import AgentAccess
from infra_cdk.agent_permissions import read_agent_permissions
from infra_cdk.database import Database
from infra_cdk.function_table import FUNCTIONS_FOLDER, Function, FunctionTable
from infra_cdk.layer_build import LAMBDA_PLATFORMS, build_dependencies_layer, build_source_layer
from infra_cdk.network import HTTPS_PORT, Network
from infra_cdk.settings import Settings
from infra_cdk.uploads import Uploads

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
# docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html; most of them do not support resource-level permissions.
_NETWORK_INTERFACE_ACTIONS = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]
_TRACE_ACTIONS = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


@dataclass(frozen=True)
class StackContext:
    """What the stack's constructs share."""

    network: Network
    database: Database
    key: kms.IKey
    settings: Settings
    uploads: Uploads | None = None


class Functions(Construct):
    def __init__(self, scope: Construct, name: str, *, table: FunctionTable, context: StackContext) -> None:
        super().__init__(scope, name)
        self._context = context
        self.architecture = ARCHITECTURES[context.settings.architecture]
        self._layers = self._make_layers(context.settings)
        self._agent_access = AgentAccess(
            self,
            "AgentAccess",
            network=context.network,
            settings=context.settings,
            permissions=read_agent_permissions(),
        )
        self._trace_endpoint = self._make_trace_endpoint(context)
        self.by_name = {name: self._make_function(name, function) for name, function in table.functions.items()}

    @property
    def source_layers(self) -> list[lambda_.ILayerVersion]:
        return [self._layers["Dependencies"], self._layers["App"]]

    def _make_trace_endpoint(self, context: StackContext) -> ec2.InterfaceVpcEndpoint | None:
        """Where no other route leads to X-Ray, and our own segments are to go there."""
        if context.settings.nat or not context.settings.tracing:
            return None
        everyone = iam.PolicyStatement(principals=[iam.AnyPrincipal()], actions=_TRACE_ACTIONS, resources=["*"])
        return context.network.make_endpoint("xray", everyone)

    def _make_layers(self, settings: Settings) -> dict[str, lambda_.LayerVersion]:
        folders = {
            "Dependencies": build_dependencies_layer(
                settings.model_provider,
                LAMBDA_PLATFORMS[settings.architecture],
                _region(Stack.of(self)),
                exports_spans=settings.otlp_endpoint is not None,
                reads_tokens=settings.authorization == "jwt",
            ),
            "App": build_source_layer(ROOT / "layers/app"),
            "ResponseStreaming": build_source_layer(ROOT / "layers/response_streaming"),
        }
        # A layer's folder is named after the hash of its inputs, so the name serves as the asset hash.
        return {
            name: lambda_.LayerVersion(
                self,
                name,
                code=lambda_.Code.from_asset(str(folder), asset_hash=folder.name),
                compatible_runtimes=[RUNTIME],
                compatible_architectures=[self.architecture],
            )
            for name, folder in folders.items()
        }

    def _make_function(self, name: str, row: Function) -> lambda_.Function:
        scope = Construct(self, name)
        log_group = logs.LogGroup(
            scope, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        role = self._make_role(scope, log_group)
        group = self._context.network.make_security_group(f"{name}Group", f"The function {name}")
        function = lambda_.Function(
            scope,
            "Function",
            description=f"functions/{name}",
            runtime=RUNTIME,
            architecture=self.architecture,
            handler="handler.handler",
            code=lambda_.Code.from_asset(str(FUNCTIONS_FOLDER / name), exclude=["__pycache__"]),
            layers=self._layers_of(row),
            role=role,
            log_group=log_group,
            timeout=Duration.seconds(row.timeout_seconds),
            memory_size=row.memory_mb,
            vpc=self._context.network.vpc,
            vpc_subnets=self._context.network.function_subnets,
            security_groups=[group],
            tracing=lambda_.Tracing.ACTIVE,
            environment=self._environment(name, row),
            reserved_concurrent_executions=self._reserved_concurrency(row),
            snap_start=self._snap_start(row),
            # The version before stays, for the requests that it still answers; aftercare.py deletes older ones. That of
            # a deployment that was rolled back goes, since Lambda would not publish the same again for the next.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE),
        )
        for key, value in self._grant_database_access(row, role, group).items():
            function.add_environment(key, value)
        if row.agent:
            self._agent_access.grant(role, group)
            self._agent_access.open_before(function)
        if self._context.uploads:
            self._context.uploads.grant(row, function, role, group)
        if self._trace_endpoint:
            self._context.network.allow(group, self._trace_endpoint, HTTPS_PORT, "Traces")
        acknowledge_function(function)
        return function

    def _make_role(self, scope: Construct, log_group: logs.LogGroup) -> iam.Role:
        role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        role.add_to_policy(iam.PolicyStatement(actions=_NETWORK_INTERFACE_ACTIONS + _TRACE_ACTIONS, resources=["*"]))
        acknowledge(
            role,
            "These EC2 and X-Ray actions do not support resource-level permissions",
            "AwsSolutions-IAM5[Resource::*]",
        )
        return role

    def _layers_of(self, row: Function) -> list[lambda_.ILayerVersion]:
        return [*self.source_layers, *([self._layers["ResponseStreaming"]] if row.streaming else [])]

    def _reserved_concurrency(self, row: Function) -> int | None:
        return self._context.settings.reserved_concurrency if row.database == "app" else None

    def _snap_start(self, row: Function) -> lambda_.SnapStartConf | None:
        wanted = self._context.settings.snap_start and row.is_released
        return lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if wanted else None

    def _environment(self, name: str, row: Function) -> dict[str, str]:
        settings = self._context.settings
        environment = {"POWERTOOLS_SERVICE_NAME": name, "POWERTOOLS_METRICS_NAMESPACE": settings.stack_name}
        if row.streaming:
            environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/response-streaming"
        return environment | settings.variables | (self._agent_access.environment if row.agent else {})

    def _grant_database_access(self, row: Function, role: iam.Role, group: ec2.SecurityGroup) -> dict[str, str]:
        database = self._context.database
        grant = database.grant_migrator_access if row.database == "migrator" else database.grant_app_access
        return grant(role, group)


def _region(stack: Stack) -> str | None:
    """For a stack of any region, the one that the CDK's command line tool has found; None without the tool."""
    return os.environ.get("CDK_DEFAULT_REGION") if Token.is_unresolved(stack.region) else stack.region


def acknowledge_function(function: lambda_.Function) -> None:
    reason = "The dependencies are tested on this version of Python, which Lambda supports until 2029"
    acknowledge(function, reason, "AwsSolutions-L1", "Serverless-LambdaLatestVersion")
    reason = "Callers wait for its answer; the function that the scheduler calls has a queue for its failures"
    acknowledge(function, reason, "Serverless-LambdaDLQ")
