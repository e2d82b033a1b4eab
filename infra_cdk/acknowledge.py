"""Accepts cdk-nag findings, each with a reason, beside the code that causes it. A test fails on any other finding."""

from typing import cast

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct


def acknowledge(scope: IConstruct, reason: str, *rules: str) -> None:
    """`rules`: full ids from the packs `AwsSolutions` and `Serverless`; patterns are not used."""
    for rule in rules:
        pack = rule.partition("-")[0]
        Validations.of(scope).acknowledge(Acknowledgment(id=f"{pack}::{rule}", reason=reason))


def any_version_of(function: lambda_.Function) -> str:
    """cdk-nag's id for permission to invoke every version and alias of a function, which is what CDK grants."""
    resource = cast(lambda_.CfnFunction, function.node.default_child)
    return f"AwsSolutions-IAM5[Resource::<{Stack.of(function).get_logical_id(resource)}.Arn>:*]"


def managed_policy(name: str) -> str:
    return f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{name}]"
