"""Which model the functions call under SAM: the stack's switches for it, and the functions' variables.

SAM hands a function only variables that the template declares, so the small local model and other OpenAI-compatible
servers on this machine are reached as the stack reaches one elsewhere: provider `openai` with a URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

# Nothing is deployed from this template: what it needs only in the cloud is made up.
_PLACEHOLDERS = {"model_key_secret": "unused", "nat": "true"}
_PLACEHOLDER_URL = "https://localhost/v1"


@dataclass(frozen=True)
class Model:
    """switches: context for `cdk synth`. variables: for the functions. relayed_port: of this machine's loopback, to be
    carried into the containers' network as `model:8080`.
    """

    switches: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    relayed_port: int | None = None


def hosted_model(provider: str, model_id: str | None) -> Model:
    """A provider's model; SAM takes its key or AWS credentials from the shell that starts it."""
    switches = {"model_provider": provider}
    if model_id:
        switches["model_id"] = model_id
    return Model(switches if provider == "bedrock" else {**switches, **_PLACEHOLDERS})


def local_model(url: str, model_id: str | None, *, desktop: bool) -> Model:
    """An OpenAI-compatible server by its base URL as this machine sees it."""
    seen, relayed_port = _as_containers_see(url, desktop=desktop)
    model_id = model_id or "local"
    switches = {"model_provider": "openai", "model_id": model_id, "model_url": _PLACEHOLDER_URL, **_PLACEHOLDERS}
    # The first two as in the template: SAM would take them from the shell, where they may say something else.
    variables = {"MODEL_PROVIDER": "openai", "MODEL_ID": model_id, "OPENAI_BASE_URL": seen, "OPENAI_API_KEY": "none"}
    return Model(switches, variables, relayed_port)


def _as_containers_see(url: str, *, desktop: bool) -> tuple[str, int | None]:
    parts = urlsplit(url)
    if not _is_loopback(parts.hostname or ""):
        return url, None
    port = parts.port or 80
    if desktop:  # its host.docker.internal reaches what listens on loopback
        return parts._replace(netloc=f"host.docker.internal:{port}").geturl(), None
    return parts._replace(netloc="model:8080").geturl(), port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
