"""What an agent raised, as the errors of a run."""

from typing import Any, cast

from strands.types.exceptions import EventLoopException, MaxTokensReachedException, ModelThrottledException

from session_store.errors import ConfigurationError, ModelFailedError, ModelThrottledError, SessionStoreError

# Classes of the providers' SDKs, and codes of AWS: trying again helps none of them.
_MISCONFIGURED = {
    "AccessDeniedException",
    "AuthenticationError",
    "CredentialRetrievalError",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "NoCredentialsError",
    "NoRegionError",
    "NotFoundError",
    "PartialCredentialsError",
    "PermissionDeniedError",
    "ResourceNotFoundException",
    "TokenRetrievalError",
    "UnrecognizedClientException",
}


def find_cause(error: BaseException) -> BaseException:
    """Strands wraps what a hook raises: a lost database must not look like a failed model."""
    return find_cause(error.original_exception) if isinstance(error, EventLoopException) else error


def translate_error(error: BaseException) -> BaseException:
    """An error of `session_store.errors` for any that a model raised; the store's own stays what it is."""
    if isinstance(error, SessionStoreError) or not isinstance(error, Exception):
        return error
    if isinstance(error, ModelThrottledException):
        return ModelThrottledError("the model's service refuses more for now")
    if isinstance(error, MaxTokensReachedException):
        return ModelFailedError("the model reached its limit of tokens before its answer was complete")
    if (kind := _kind(error)) in _MISCONFIGURED:
        return ConfigurationError(
            f"the model's service does not let this one in, or has no such model ({kind}): check MODEL_PROVIDER,"
            " MODEL_ID, and the provider's credentials"
        )
    return ModelFailedError(f"the model failed: {kind}")


def _kind(error: Exception) -> str:
    """The class, or for AWS's one class of all errors their code."""
    response = cast(Any, getattr(error, "response", None))
    try:
        return response["Error"]["Code"]
    except (TypeError, KeyError):
        return type(error).__name__
