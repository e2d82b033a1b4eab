"""What CloudFormation cannot do: the stack's own policy, the retention of RDS's log group, the end of old versions."""

import json
from typing import Any

from infra_cdk.doctor.account import Account
from infra_cdk.settings import Settings

LOG_DAYS = 90
PROTECTED_TYPES = (
    "AWS::ApiGateway::RestApi",
    "AWS::Cognito::UserPool",
    "AWS::KMS::Key",
    "AWS::RDS::DBCluster",
)
STACK_POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": ["Update:Replace", "Update:Delete"],
            "Principal": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"ResourceType": list(PROTECTED_TYPES)}},
        },
    ]
}


def finish_deployment(account: Account, settings: Settings) -> None:
    """May run again and again."""
    cloudformation = account.client("cloudformation")
    if settings.stack_policy:
        cloudformation.set_stack_policy(StackName=account.stack_name, StackPolicyBody=json.dumps(STACK_POLICY))
    for cluster in account.list_resources("AWS::RDS::DBCluster"):
        group = f"/aws/rds/cluster/{cluster}/postgresql"
        account.client("logs").put_retention_policy(logGroupName=group, retentionInDays=LOG_DAYS)
    for alias in account.list_resources("AWS::Lambda::Alias"):
        _delete_old_versions(account.client("lambda"), alias)


def _delete_old_versions(client: Any, alias_arn: str) -> None:
    """All but the live version and the one before it, which may still answer a request, and takes over again at once:
    `aws lambda update-alias`."""
    function, _, name = alias_arn.rpartition(":")
    live = int(client.get_alias(FunctionName=function, Name=name)["FunctionVersion"])
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    numbers = [each["Version"] for page in pages for each in page["Versions"] if each["Version"] != "$LATEST"]
    before = sorted(int(number) for number in numbers if int(number) < live)
    for number in before[:-1]:
        client.delete_function(FunctionName=function, Qualifier=str(number))
