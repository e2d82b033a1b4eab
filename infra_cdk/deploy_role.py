"""The roles with which GitHub Actions deploys: a stack of its own, for an administrator to deploy once.

`make deploy-role REPOSITORY=owner/name`
"""

import re
import sys

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra_cdk.api import STAGE as API_STAGE
from infra_cdk.doctor.access import BOOTSTRAP_PARAMETER
from infra_cdk.settings import Settings
from infra_cdk.stages import read_stage

STACK_NAME = "SessionsDeployRole"
DEFAULT_STACK_NAME = Settings().stack_name
STAGES = ("staging", "prod")
_PROVIDER = "token.actions.githubusercontent.com"
# The tokens of a repository made, renamed or transferred since 15 July 2026 name it by its ids as well:
# github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens
_REPOSITORY = r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+|[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+"
# docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html; their names carry the bootstrap's qualifier.
_CDK_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")
_STACK_ACTIONS = [
    f"cloudformation:{name}"
    for name in ("DescribeStacks", "GetTemplateSummary", "ListStackResources", "SetStackPolicy")
]
_VERSION_ACTIONS = ["lambda:GetAlias", "lambda:ListVersionsByFunction", "lambda:DeleteFunction"]
_QUALIFIER = BOOTSTRAP_PARAMETER.split("/")[2]


class DeployRoleStack(Stack):
    """repository: `owner/name`, or `owner@id/name@id` for one whose tokens carry the ids.

    provider_arn: GitHub's OIDC provider, one for an account; None makes it.
    """

    def __init__(self, scope: Construct, *, repository: str, provider_arn: str | None = None) -> None:
        super().__init__(scope, STACK_NAME, description="Roles with which GitHub Actions deploys the agent sessions")
        provider = self._find_provider(provider_arn)
        for stage in STAGES:
            role = self._make_role(f"{stage.capitalize()}Role", provider, f"repo:{repository}:environment:{stage}")
            self._allow_own_steps(role, str(read_stage(stage).get("stack_name", DEFAULT_STACK_NAME)))
        # A pull request may compare, and change nothing.
        self._make_role("DiffRole", provider, f"repo:{repository}:pull_request", ("lookup",))

    def _find_provider(self, arn: str | None) -> iam.IOidcProvider:
        if arn:
            return iam.OidcProviderNative.from_oidc_provider_arn(self, "Provider", arn)
        return iam.OidcProviderNative(self, "Provider", url=f"https://{_PROVIDER}", client_ids=["sts.amazonaws.com"])

    def _make_role(
        self, name: str, provider: iam.IOidcProvider, subject: str, cdk_roles: tuple[str, ...] = _CDK_ROLES
    ) -> iam.Role:
        conditions = {"StringEquals": {f"{_PROVIDER}:aud": "sts.amazonaws.com", f"{_PROVIDER}:sub": subject}}
        role = iam.Role(
            self,
            name,
            assumed_by=iam.WebIdentityPrincipal(provider.oidc_provider_arn, conditions),
            max_session_duration=Duration.hours(2),
        )
        account = f"arn:{self.partition}:iam::{self.account}:role"
        roles = [f"{account}/cdk-{_QUALIFIER}-{each}-role-{self.account}-{self.region}" for each in cdk_roles]
        role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=roles))
        CfnOutput(self, f"{name}Arn", value=role.role_arn)
        return role

    def _allow_own_steps(self, role: iam.Role, stack_name: str) -> None:
        """What `make deploy` and `make smoke` do themselves, beside the CDK; a refused check of `make doctor` is no
        failure."""
        here = f"{self.region}:{self.account}"
        for actions, resource in (
            (_STACK_ACTIONS, f"cloudformation:{here}:stack/{stack_name}/*"),
            (["ssm:GetParameter"], f"ssm:{here}:parameter{BOOTSTRAP_PARAMETER}"),
            (["logs:PutRetentionPolicy"], f"logs:{here}:log-group:/aws/rds/cluster/*"),
            (_VERSION_ACTIONS, f"lambda:{here}:function:{stack_name}-*"),
            (["execute-api:Invoke"], f"execute-api:{here}:*/{API_STAGE}/*"),
        ):
            arn = f"arn:{self.partition}:{resource}"
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[arn]))


def build_app(repository: str, provider_arn: str | None = None, outdir: str | None = None) -> App:
    """Raises `ValueError` for what is no repository."""
    if not re.fullmatch(_REPOSITORY, repository):
        raise ValueError(f"repository={repository!r} must be owner/name or owner@id/name@id, as GitHub spells it")
    app = App(outdir=outdir)
    DeployRoleStack(app, repository=repository, provider_arn=provider_arn)
    return app


if __name__ == "__main__":
    context = App().node
    try:
        build_app(str(context.try_get_context("repository") or ""), context.try_get_context("provider_arn")).synth()
    except ValueError as error:
        sys.exit(f"{error}.")
