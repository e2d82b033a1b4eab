"""The role with which API Gateway writes logs: one for all REST APIs of an account in a region."""

from infra_cdk.doctor.account import Account, Finding
from infra_cdk.settings import Settings


def check_gateway_logs(account: Account, settings: Settings) -> Finding:
    subject = "gateway logs"
    if settings.cloud_watch_role:
        return Finding("ok", subject, "the stack sets the account's role for API Gateway's logs")
    role = account.client("apigateway").get_account().get("cloudwatchRoleArn")
    if role:
        return Finding("ok", subject, f"API Gateway writes them as {role}")
    answer = f"API Gateway has no role for logs in {account.region}, and refuses a stage that has any"
    return Finding("failed", subject, answer, "-c cloud_watch_role=true sets it, for all REST APIs of the account")
