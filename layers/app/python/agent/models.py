"""Builds the Strands model that `MODEL_PROVIDER` and `MODEL_ID` name; imports only the chosen provider's SDK.

ModelSettingsError (session_store's ConfigurationError)   the settings name no model that can be built; its text says
what to do
"""

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

import strands.models
from strands.models.model import Model

from session_store.errors import ConfigurationError

from .model_key import refresh_model_key

# One retry beyond the first attempt: throttling is retried by Strands too, and a run has a deadline.
SDK_RETRIES: Final = 1
CONNECT_TIMEOUT_SECONDS: Final = 5
# A model may think for long: what bounds its silence is the turn's deadline. This is Lambda's own longest run.
READ_TIMEOUT_SECONDS: Final = 900
ANTHROPIC_MAX_TOKENS: Final = 4096  # its API requires a limit
LOCAL_PROVIDER: Final = "local"


class ModelSettingsError(ConfigurationError):
    """The settings name no model that can be built."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """See `build_model` for the values."""

    provider: str = "bedrock"
    model_id: str | None = None
    local_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            provider=environment.get("MODEL_PROVIDER") or "bedrock",
            model_id=environment.get("MODEL_ID") or None,
            local_url=environment.get("LOCAL_MODEL_URL") or None,
        )


def configured_model() -> Model:
    """The process's one model, as the environment names it; another once the provider's key is another.

    Raises `ModelSettingsError`, and ConfigurationError where the key cannot be read.
    """
    return build_model_once(ModelSettings.from_environment(os.environ), refresh_model_key())


@lru_cache(maxsize=1)
def build_model_once(settings: ModelSettings, _key: str | None) -> Model:
    return build_model(settings.provider, settings.model_id, local_url=settings.local_url)


def check_model(environment: Mapping[str, str]) -> None:
    """What can be known before a model is asked. Raises `ModelSettingsError` if it cannot be built or has no key."""
    settings = ModelSettings.from_environment(environment)
    build_model(settings.provider, settings.model_id, local_url=settings.local_url)
    keys = _KEYS.get(settings.provider, ())
    if keys and not any(environment.get(key) for key in keys):
        raise ModelSettingsError(f"MODEL_PROVIDER={settings.provider} needs {' or '.join(keys)} in the environment.")
    if settings.provider == "bedrock":
        _check_aws_credentials()


def build_model(
    provider: str,
    model_id: str | None = None,
    *,
    local_url: str | None = None,
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
) -> Model:
    """Build the model of one provider.

    Args:
        provider: One of `PROVIDERS`, or `package.module:factory` for a model of your own: the factory is called
            without arguments and returns a Strands `Model`.
        model_id: The provider's name for the model. Bedrock and `local` have a default, the others need one.
        local_url: Base URL, ending in /v1, of the OpenAI-compatible server that `local` talks to.
        read_timeout_seconds: The longest silence of the model's service. A turn that ends at its deadline no longer
            waits for it.

    Raises:
        ModelSettingsError: Unknown provider, missing package, model id or URL, or a factory that gives no model.
    """
    if ":" in provider:
        return _build_own(provider)
    if provider == "bedrock":
        return _build_bedrock(model_id, read_timeout_seconds)
    if provider == LOCAL_PROVIDER:
        return _build_local(model_id, local_url, read_timeout_seconds)
    if provider in _SDK_PROVIDERS:
        return _build_with_sdk(provider, model_id, read_timeout_seconds)
    raise ModelSettingsError(
        f"MODEL_PROVIDER={provider!r} is unknown: choose one of {', '.join(PROVIDERS)},"
        " or name a model of your own as package.module:factory."
    )


def _build_own(path: str) -> Model:
    module_name, _, factory_name = path.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError, ValueError, TypeError) as error:  # TypeError: a relative name
        raise ModelSettingsError(f"MODEL_PROVIDER={path!r} cannot be imported: {error}.") from error
    model = factory()
    if not isinstance(model, Model):
        raise ModelSettingsError(f"MODEL_PROVIDER={path!r} gave a {type(model).__name__}, not a strands Model.")
    return model


def _build_bedrock(model_id: str | None, timeout_seconds: float) -> Model:
    from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
    from strands.models.bedrock import BedrockModel

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": 1 + SDK_RETRIES},
        tcp_keepalive=True,
    )
    if model_id:
        return BedrockModel(boto_client_config=config, model_id=model_id)
    return BedrockModel(boto_client_config=config)


def _check_aws_credentials() -> None:
    from boto3 import Session

    if Session().get_credentials() is None:
        raise ModelSettingsError("MODEL_PROVIDER=bedrock finds no AWS credentials: `aws configure`, or set AWS_PROFILE.")


def _build_local(model_id: str | None, url: str | None, timeout_seconds: float) -> Model:
    if not url:
        raise ModelSettingsError("MODEL_PROVIDER=local needs LOCAL_MODEL_URL, for example http://127.0.0.1:8080/v1.")
    model_class = _load_class("OpenAIModel", "openai", LOCAL_PROVIDER)
    client_args = {"base_url": url, "api_key": "none", **_http_client_args(timeout_seconds)}
    return model_class(client_args=client_args, model_id=model_id or LOCAL_PROVIDER)


def _build_with_sdk(provider: str, model_id: str | None, timeout_seconds: float) -> Model:
    if not model_id:
        raise ModelSettingsError(f"MODEL_ID is empty: set it to the name of a model that {provider} serves.")
    class_name, arguments = _SDK_PROVIDERS[provider]
    return _load_class(class_name, provider, provider)(model_id=model_id, **arguments(timeout_seconds))


def _load_class(class_name: str, group: str, provider: str) -> Callable[..., Model]:
    try:
        return getattr(strands.models, class_name)
    except ImportError as error:
        raise ModelSettingsError(
            f"MODEL_PROVIDER={provider} needs a package that is not installed: run `uv sync --group {group}`"
            f" (make's own uv is .uv/bin/uv), and deploy with `-c model_provider={group}` to put it into the layer."
        ) from error


def _http_client_args(seconds: float) -> dict[str, Any]:
    from httpx import Timeout  # these SDKs are built on it

    return {"timeout": Timeout(seconds, connect=CONNECT_TIMEOUT_SECONDS), "max_retries": SDK_RETRIES}


# Provider, which is the name of its dependency group too: the Strands class and its arguments for a read timeout.
# Keys and hosts come from the variables that each SDK reads itself (ANTHROPIC_API_KEY, OLLAMA_HOST, …).
_SDK_PROVIDERS: Final[dict[str, tuple[str, Callable[[float], dict[str, Any]]]]] = {
    "anthropic": (
        "AnthropicModel",
        lambda seconds: {"client_args": _http_client_args(seconds), "max_tokens": ANTHROPIC_MAX_TOKENS},
    ),
    "gemini": ("GeminiModel", lambda seconds: {"client_args": {"http_options": {"timeout": int(seconds * 1000)}}}),
    "litellm": ("LiteLLMModel", lambda seconds: {"client_args": {"timeout": seconds}}),
    "mistral": ("MistralModel", lambda seconds: {"client_args": {"timeout_ms": int(seconds * 1000)}}),
    "ollama": ("OllamaModel", lambda seconds: {"host": None, "ollama_client_args": {"timeout": seconds}}),
    "openai": ("OpenAIModel", lambda seconds: {"client_args": _http_client_args(seconds)}),
}

_KEYS: Final = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "gemini": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
}

PROVIDERS: Final = ("bedrock", LOCAL_PROVIDER, *_SDK_PROVIDERS)
