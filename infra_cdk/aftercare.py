"""What CloudFormation cannot set: the stack's own policy, and the retention of a log group that RDS makes itself."""

import json

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
    resources = cloudformation.get_paginator("list_stack_resources").paginate(StackName=account.stack_name)
    clusters = [
        resource["PhysicalResourceId"]
        for page in resources
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::RDS::DBCluster"
    ]
    for cluster in clusters:
        group = f"/aws/rds/cluster/{cluster}/postgresql"
        account.client("logs").put_retention_policy(logGroupName=group, retentionInDays=LOG_DAYS)
