"""The authorizer for tokens of another issuer: a function outside the network, where it reads the issuer's keys."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.function_table import FUNCTIONS_FOLDER
from infra_cdk.functions import RUNTIME, Functions, acknowledge_function
from infra_cdk.settings import Settings

# A token that has expired, or a key that was withdrawn, is taken for so long.
CACHE_TIME = Duration.minutes(1)


def make_token_authorizer(scope: Construct, functions: Functions, settings: Settings) -> apigateway.IAuthorizer:
    function = _make_function(Construct(scope, "authorize"), functions, settings)
    return apigateway.RequestAuthorizer(
        scope,
        "TokenAuthorizer",  # another than a user pool's, which methods may still name while an update runs
        handler=function,
        identity_sources=[apigateway.IdentitySource.header("Authorization")],
        results_cache_ttl=CACHE_TIME,
    )


def _make_function(scope: Construct, functions: Functions, settings: Settings) -> lambda_.Function:
    log_group = logs.LogGroup(
        scope, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
    )
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    function = lambda_.Function(
        scope,
        "Function",
        description="functions/authorize",
        runtime=RUNTIME,
        architecture=functions.architecture,
        handler="handler.handler",
        code=lambda_.Code.from_asset(str(FUNCTIONS_FOLDER / "authorize"), exclude=["__pycache__"]),
        layers=functions.source_layers,
        role=role,
        log_group=log_group,
        timeout=Duration.seconds(10),
        memory_size=512,
        environment={
            "JWT_ISSUER": str(settings.jwt_issuer),
            "JWT_AUDIENCE": str(settings.jwt_audience),
            "JWT_OWNER_CLAIM": settings.jwt_owner_claim,
        },
    )
    acknowledge_function(function)
    return function
