"""The model that the functions call under SAM: settings for the stack, and variables for the functions.

SAM passes a function only the variables that the template declares. So the small local model, and any other
OpenAI-compatible server on this machine, is configured like a remote one: provider `openai` with a URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

# Nothing is deployed from this template, so values that only matter on AWS are placeholders.
_PLACEHOLDERS = {"model_key_secret": "unused", "nat": "true"}
# The key comes from a variable: there is no secret to read it from.
_NO_SECRET = {"MODEL_KEY_SECRET": ""}
_PLACEHOLDER_URL = "https://localhost/v1"


@dataclass(frozen=True)
class ModelChoice:
    """`switches` are context for `cdk synth`, `variables` are for the functions. `relayed_port` is a loopback
    port of this machine that has to be relayed into the containers' network, as `model:8080`.
    """

    switches: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    relayed_port: int | None = None


def hosted_model(provider: str, model_id: str | None) -> ModelChoice:
    """A provider's model; SAM takes the API key or AWS credentials from the shell that starts it."""
    switches = {"model_provider": provider}
    if model_id:
        switches["model_id"] = model_id
    return ModelChoice(switches) if provider == "bedrock" else ModelChoice({**switches, **_PLACEHOLDERS}, _NO_SECRET)


def local_model(url: str, model_id: str | None, *, desktop: bool) -> ModelChoice:
    """An OpenAI-compatible server; `url` is its base URL as seen from this machine."""
    url_inside, relayed_port = _url_for_containers(url, desktop=desktop)
    model_id = model_id or "local"
    switches = {"model_provider": "openai", "model_id": model_id, "model_url": _PLACEHOLDER_URL, **_PLACEHOLDERS}
    # The first two repeat the template: otherwise SAM would take them from the shell, where they may differ.
    variables = {
        "MODEL_PROVIDER": "openai",
        "MODEL_ID": model_id,
        "OPENAI_BASE_URL": url_inside,
        "OPENAI_API_KEY": "none",
        **_NO_SECRET,
    }
    return ModelChoice(switches, variables, relayed_port)


def _url_for_containers(url: str, *, desktop: bool) -> tuple[str, int | None]:
    parts = urlsplit(url)
    if not _is_loopback(parts.hostname or ""):
        return url, None
    port = parts.port or 80
    if desktop:  # there host.docker.internal reaches this machine's loopback
        return parts._replace(netloc=f"host.docker.internal:{port}").geturl(), None
    return parts._replace(netloc="model:8080").geturl(), port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
