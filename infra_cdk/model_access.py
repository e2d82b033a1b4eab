"""Permissions for Amazon Bedrock: the functions with an agent may call the configured model and nothing else."""

from aws_cdk import Stack, Token
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra_cdk.acknowledge import acknowledge

INVOKE_ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
# Prefixes of system-defined inference profiles, which route a call to one of several regions:
# docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
_PROFILE_PREFIXES = ("global.", "us.", "us-gov.", "eu.", "apac.", "au.", "jp.", "ca.")


def make_model_statements(scope: Construct, model_id: str) -> list[iam.PolicyStatement]:
    model = _model_behind_profile(model_id)
    if model is None:
        return [_allow_invoke(_model_arn(Stack.of(scope).partition, Stack.of(scope).region, model_id))]
    profile = Stack.of(scope).format_arn(service="bedrock", resource="inference-profile", resource_name=model_id)
    # The profile chooses the region (global ones name none), so any region is allowed, but only through the profile.
    through_profile = _allow_invoke(_model_arn(Stack.of(scope).partition, "*", model))
    through_profile.add_condition("StringEquals", {"bedrock:InferenceProfileArn": profile})
    return [_allow_invoke(profile), through_profile]


def acknowledge_profile(role: iam.Role, model_id: str) -> None:
    model = _model_behind_profile(model_id)
    if model is not None:
        partition = Stack.of(role).partition  # known where the region is
        named = "<AWS::Partition>" if Token.is_unresolved(partition) else partition
        finding = f"AwsSolutions-IAM5[Resource::{_model_arn(named, '*', model)}]"
        acknowledge(role, "The profile chooses the region; a condition allows only calls through the profile", finding)


def _model_behind_profile(model_id: str) -> str | None:
    prefix = next((prefix for prefix in _PROFILE_PREFIXES if model_id.startswith(prefix)), None)
    return None if prefix is None else model_id.removeprefix(prefix)


def _allow_invoke(resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=INVOKE_ACTIONS, resources=[resource])


def _model_arn(partition: str, region: str, model_id: str) -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{model_id}"
