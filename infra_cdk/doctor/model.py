"""The model's access, by one tiny call as the caller: the functions' own roles cannot be tried before they exist."""

from botocore.exceptions import ClientError

from infra_cdk.doctor.account import Account, Finding, error_code, error_message
from infra_cdk.settings import Settings

# docs.aws.amazon.com/bedrock/latest/userguide/model-access.html and …/troubleshooting-api-error-codes.html
_ASK_ONCE = (
    "open the model in Bedrock's console once as an administrator: a third party's model needs a payment method, "
    "aws-marketplace:Subscribe and ViewSubscriptions, and up to 15 minutes; a profile needs its regions allowed"
)
_REMEDIES = {
    "AccessDeniedException": _ASK_ONCE,
    "ValidationException": "-c model_id=…: a model of this region, or the profile that leads to it (global.…, eu.…)",
    "ResourceNotFoundException": "-c model_id=…: no such model in this region",
}
_FORM = "fill in Anthropic's use case form, once for an account: Bedrock's console, model catalog, any Claude model"
_BUSY = {"ThrottlingException", "ModelNotReadyException", "ServiceUnavailableException"}


def check_model(account: Account, settings: Settings) -> Finding:
    if settings.model_provider == "bedrock":
        return _check_bedrock(account, settings)
    if settings.model_key_secret is None:
        return Finding("ok", "model", f"{settings.model_provider} is your own, and is not asked")
    return _check_key(account, settings)


def _check_bedrock(account: Account, settings: Settings) -> Finding:
    question = [{"role": "user", "content": [{"text": "Hi"}]}]
    try:
        client = account.client("bedrock-runtime")
        client.converse(modelId=settings.model, messages=question, inferenceConfig={"maxTokens": 1})
    except ClientError as error:
        return _explain(settings.model, error)
    return Finding("ok", "model", f"{settings.model} answers")


def _explain(model: str, error: ClientError) -> Finding:
    code, message = error_code(error), error_message(error)
    if code in _BUSY:
        return Finding("ok", "model", f"{model} is allowed, and busy: {message}")
    remedy = _FORM if "use case" in message else _REMEDIES.get(code, "see the message")
    return Finding("failed", "model", f"{model} refuses: {message}", remedy)


def _check_key(account: Account, settings: Settings) -> Finding:
    name = settings.model_key_secret
    try:
        account.client("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        remedy = f"aws secretsmanager create-secret --name {name} --secret-string …"
        return Finding("failed", "model", f"no secret {name!r} in {account.region}", remedy)
    return Finding("ok", "model", f"the secret {name!r} is there; {settings.model_provider} itself is not asked")
