"""What an agent function may call at Amazon Bedrock: the chosen model, and nothing else."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

INVOKE_ACTIONS = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
# Prefixes of system-defined inference profiles, which send a call to one of several regions:
# docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
_PROFILE_PREFIXES = ("global.", "us.", "us-gov.", "eu.", "apac.", "au.", "jp.", "ca.")


def make_model_statements(scope: Construct, model_id: str) -> list[iam.PolicyStatement]:
    prefix = next((prefix for prefix in _PROFILE_PREFIXES if model_id.startswith(prefix)), None)
    if prefix is None:
        return [_allow_invoke(_model_arn(scope, model_id, Stack.of(scope).region))]
    profile = Stack.of(scope).format_arn(service="bedrock", resource="inference-profile", resource_name=model_id)
    # The profile names the region of the model (none for global ones), so here the region is open and the way is not.
    model = _allow_invoke(_model_arn(scope, model_id.removeprefix(prefix), "*"))
    model.add_condition("StringEquals", {"bedrock:InferenceProfileArn": profile})
    return [_allow_invoke(profile), model]


def _allow_invoke(resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=INVOKE_ACTIONS, resources=[resource])


def _model_arn(scope: Construct, model_id: str, region: str) -> str:
    return f"arn:{Stack.of(scope).partition}:bedrock:{region}::foundation-model/{model_id}"
