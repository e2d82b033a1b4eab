"""Permissions for Amazon Bedrock: the functions with an agent may call the configured model and nothing else."""

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra_cdk.acknowledge import acknowledge

INVOKE_ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
# Prefixes of system-defined inference profiles, which route a call to one of several regions:
# docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
_PROFILE_PREFIXES = ("global.", "us.", "us-gov.", "eu.", "apac.", "au.", "jp.", "ca.")


def make_model_statements(scope: Construct, model_id: str, source: str | None = None) -> list[iam.PolicyStatement]:
    """`source`: what the application inference profile `model_id` was made from.

    Bedrock checks every ARN on the way to the model.
    """
    if source is not None:
        return [_allow_invoke(model_id), *_only_through(model_id, _arns_behind(scope, source))]
    arns = _arns_behind(scope, model_id)
    return [_allow_invoke(arns[0]), *_only_through(arns[0], arns[1:])]


def acknowledge_profile(role: iam.Role, model_id: str) -> None:
    """`model_id`: the model or system-defined profile that is called in the end."""
    model = _model_behind_profile(model_id)
    if model is not None:
        partition = Stack.of(role).partition  # known where the region is
        named = "<AWS::Partition>" if Token.is_unresolved(partition) else partition
        finding = f"AwsSolutions-IAM5[Resource::{_model_arn(named, '*', model)}]"
        acknowledge(role, "The profile chooses the region; a condition allows only calls through the profile", finding)


def _arns_behind(scope: Construct, model_id: str) -> list[str]:
    """The profile's ARN, if it is one, and the model's. A profile chooses the region (global ones name none)."""
    stack, model = Stack.of(scope), _model_behind_profile(model_id)
    if model is None:
        return [_model_arn(stack.partition, stack.region, model_id)]
    profile = stack.format_arn(service="bedrock", resource="inference-profile", resource_name=model_id)
    return [profile, _model_arn(stack.partition, "*", model)]


def _only_through(profile_arn: str, arns: list[str]) -> list[iam.PolicyStatement]:
    """docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html"""
    statements = [_allow_invoke(arn) for arn in arns]
    for statement in statements:
        statement.add_condition("StringEquals", {"bedrock:InferenceProfileArn": profile_arn})
    return statements


def _model_behind_profile(model_id: str) -> str | None:
    prefix = next((prefix for prefix in _PROFILE_PREFIXES if model_id.startswith(prefix)), None)
    return None if prefix is None else model_id.removeprefix(prefix)


def _allow_invoke(resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=INVOKE_ACTIONS, resources=[resource])


def _model_arn(partition: str, region: str, model_id: str) -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{model_id}"
