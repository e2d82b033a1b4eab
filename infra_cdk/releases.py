"""Published versions of the functions that the API calls, under an alias; and how requests go over to a new one."""

from collections.abc import Mapping, Sequence

from aws_cdk import Annotations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.acknowledge import acknowledge, managed_policy
from infra_cdk.switches.release import ReleaseSwitches

ALIAS = "live"
# As long as three periods of the alarms that call it off.
CANARY = codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_15_MINUTES


class Releases(Construct):
    """`targets`: what the API calls, by the function's name.

    These are the functions themselves unless a switch asks for versions.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        functions: Mapping[str, lambda_.Function],
        released: Sequence[str],
        switches: ReleaseSwitches,
    ) -> None:
        super().__init__(scope, name)
        self._aliases: Mapping[str, lambda_.Alias] = {}
        if switches.publishes_versions:
            self._aliases = self._make_aliases({name: functions[name] for name in released})
        self.targets: Mapping[str, lambda_.Function | lambda_.Alias] = {**functions, **self._aliases}

    def _make_aliases(self, functions: Mapping[str, lambda_.Function]) -> Mapping[str, lambda_.Alias]:
        for function in functions.values():
            Annotations.of(function).acknowledge_warning("@aws-cdk/aws-lambda:snapStartRequirePublish")
        return {
            name: lambda_.Alias(self, name, alias_name=ALIAS, version=function.current_version)
            for name, function in functions.items()
        }

    def add_canary(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """An update waits for it; a new version goes back as a whole when one of `alarms` goes off meanwhile."""
        scope = Construct(self, "Canary")
        application = codedeploy.LambdaApplication(scope, "Application")
        role = self._make_role(scope)
        for name, alias in self._aliases.items():
            codedeploy.LambdaDeploymentGroup(
                scope,
                name,
                application=application,
                alias=alias,
                deployment_config=CANARY,
                alarms=alarms,
                role=role,
            )

    def _make_role(self, scope: Construct) -> iam.Role:
        role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        reason = "AWS's documented role for shifting a function's requests"
        acknowledge(role, reason, managed_policy("AWSCodeDeployRoleForLambdaLimited"))
        return role
