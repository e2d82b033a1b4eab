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
from infra_cdk.database import Database
from infra_cdk.function_table import FUNCTIONS_FOLDER, Function, FunctionTable
from infra_cdk.layer_build import LAMBDA_PLATFORMS, build_dependencies_layer, build_source_layer
from infra_cdk.model_access import acknowledge_profile, make_model_statements
from infra_cdk.network import HTTPS_PORT, Network
from infra_cdk.settings import Settings
from infra_cdk.switches.model import PROVIDER_KEY_VARIABLES

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


class Functions(Construct):
    def __init__(self, scope: Construct, name: str, *, table: FunctionTable, context: StackContext) -> None:
        super().__init__(scope, name)
        self._context = context
        self._architecture = ARCHITECTURES[context.settings.architecture]
        self._layers = self._make_layers(context.settings)
        self._model_statements = make_model_statements(self, context.settings.model)
        self._bedrock_group = self._make_bedrock_endpoint() if context.settings.model_provider == "bedrock" else None
        self.by_name = {name: self._make_function(name, function) for name, function in table.functions.items()}

    def _make_layers(self, settings: Settings) -> dict[str, lambda_.LayerVersion]:
        folders = {
            "Dependencies": build_dependencies_layer(
                settings.model_provider, LAMBDA_PLATFORMS[settings.architecture], _region(Stack.of(self))
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
                compatible_architectures=[self._architecture],
            )
            for name, folder in folders.items()
        }

    def _make_bedrock_endpoint(self) -> ec2.SecurityGroup | None:
        if self._context.settings.nat:
            return None
        allowed = iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=[action for statement in self._model_statements for action in statement.actions],
            resources=[resource for statement in self._model_statements for resource in statement.resources],
        )
        return self._context.network.make_endpoint(ec2.InterfaceVpcEndpointAwsService.BEDROCK_RUNTIME, allowed)

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
            architecture=self._architecture,
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
            environment_encryption=self._grant_secret_access(row, role),
            environment=self._environment(name, row),
            reserved_concurrent_executions=self._reserved_concurrency(row),
        )
        for key, value in self._grant_database_access(row, role, group).items():
            function.add_environment(key, value)
        if row.agent:
            self._grant_model_access(role, group)
        _acknowledge_function(function)
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

    def _grant_secret_access(self, row: Function, role: iam.Role) -> kms.IKey | None:
        """The KMS key that encrypts the environment, for functions whose environment holds a provider's API key."""
        if not (row.agent and self._context.settings.model_key_secret):
            return None
        self._context.key.grant_decrypt(role)
        return self._context.key

    def _layers_of(self, row: Function) -> list[lambda_.ILayerVersion]:
        names = ["Dependencies", "App", *(["ResponseStreaming"] if row.streaming else [])]
        return [self._layers[name] for name in names]

    def _reserved_concurrency(self, row: Function) -> int | None:
        return self._context.settings.reserved_concurrency if row.database == "app" else None

    def _environment(self, name: str, row: Function) -> dict[str, str]:
        settings = self._context.settings
        environment = {
            "POWERTOOLS_SERVICE_NAME": name,
            "POWERTOOLS_METRICS_NAMESPACE": settings.stack_name,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        if settings.session_ttl_days:
            environment["SESSION_TTL_DAYS"] = str(settings.session_ttl_days)
        if row.streaming:
            environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/response-streaming"
        return environment | (self._model_environment() if row.agent else {})

    def _model_environment(self) -> dict[str, str]:
        settings = self._context.settings
        environment = {"MODEL_PROVIDER": settings.model_provider, "MODEL_ID": settings.model}
        if settings.model_key_secret:
            # CloudFormation resolves this during a deployment: the template holds only the secret's name.
            reference = f"{{{{resolve:secretsmanager:{settings.model_key_secret}:SecretString}}}}"
            environment[PROVIDER_KEY_VARIABLES[settings.model_provider]] = reference
        if settings.model_url:
            environment["OPENAI_BASE_URL"] = settings.model_url  # OpenAI's SDK reads it
        return environment

    def _grant_database_access(self, row: Function, role: iam.Role, group: ec2.SecurityGroup) -> dict[str, str]:
        database = self._context.database
        grant = database.grant_migrator_access if row.database == "migrator" else database.grant_app_access
        return grant(role, group)

    def _grant_model_access(self, role: iam.Role, group: ec2.SecurityGroup) -> None:
        if self._context.settings.model_provider == "bedrock":
            for statement in self._model_statements:
                role.add_to_policy(statement)
            acknowledge_profile(role, self._context.settings.model)
        if self._bedrock_group is None:
            group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS_PORT), "The model's provider")
        else:
            self._context.network.allow(group, self._bedrock_group, HTTPS_PORT, "Bedrock")


def _region(stack: Stack) -> str | None:
    """The CDK's command line tool tells it to a stack that is for any region; None when nobody does."""
    return os.environ.get("CDK_DEFAULT_REGION") if Token.is_unresolved(stack.region) else stack.region


def _acknowledge_function(function: lambda_.Function) -> None:
    reason = "The dependencies are tested on this version of Python, which Lambda supports until 2029"
    acknowledge(function, reason, "AwsSolutions-L1", "Serverless-LambdaLatestVersion")
    reason = "Callers wait for its answer; the function that the scheduler calls has a queue for its failures"
    acknowledge(function, reason, "Serverless-LambdaDLQ")
