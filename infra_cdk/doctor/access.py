"""Whose account it is, and whether the CDK can deploy to it."""

from botocore.exceptions import BotoCoreError, ClientError

from infra_cdk.doctor.account import Account, Finding, error_code, error_message
from infra_cdk.settings import Settings

MINIMUM_BOOTSTRAP_VERSION = 6  # what the synthesized manifest asks for
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"


def check_credentials(account: Account, settings: Settings) -> Finding:
    if account.region is None:
        return Finding("failed", "region", "none is set", "export AWS_REGION=eu-central-1, or another")
    if not account.has_credentials:
        return Finding("failed", "credentials", "none are set", "sign in as for the AWS CLI, e.g. `aws sso login`")
    try:
        caller = account.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        answer = error_message(error) if isinstance(error, ClientError) else str(error)
        return Finding("failed", "credentials", answer, "sign in again, e.g. `aws sso login`")
    if settings.account and settings.account != caller["Account"]:
        answer = f"{caller['Arn']} is not in {settings.account}, which the switches name"
        return Finding("failed", "credentials", answer, "sign in to that account")
    return Finding("ok", "credentials", f"{caller['Arn']} in {account.region}")


def check_bootstrap(account: Account, settings: Settings) -> Finding:
    remedy = "make bootstrap"
    try:
        parameter = account.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise
        return Finding("failed", "bootstrap", f"the CDK has never been set up in {account.region}", remedy)
    version = int(parameter["Value"])
    if version < MINIMUM_BOOTSTRAP_VERSION:
        answer = f"version {version} is older than {MINIMUM_BOOTSTRAP_VERSION}"
        return Finding("failed", "bootstrap", answer, remedy)
    return Finding("ok", "bootstrap", f"version {version}")
