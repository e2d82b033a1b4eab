"""Which model the functions call under SAM."""

from typing import Literal

import pytest

from infra_cdk.settings import Settings
from local.sam.model import hosted_model, local_model


@pytest.mark.parametrize(
    ("url", "where", "seen", "relayed_port"),
    [
        ("http://127.0.0.1:4711/v1", "linux", "http://model:8080/v1", 4711),
        ("http://localhost:11434/v1", "linux", "http://model:8080/v1", 11434),
        ("http://localhost/v1", "linux", "http://model:8080/v1", 80),
        ("http://[::1]:4711/v1", "linux", "http://model:8080/v1", 4711),
        ("http://127.0.0.1:4711/v1", "desktop", "http://host.docker.internal:4711/v1", None),
        ("https://models.example/v1", "linux", "https://models.example/v1", None),
        ("https://models.example/v1", "desktop", "https://models.example/v1", None),
    ],
)
def test_server_on_this_machine_is_reached_by_another_name(
    url: str, where: Literal["linux", "desktop"], seen: str, relayed_port: int | None
) -> None:
    model = local_model(url, None, desktop=where == "desktop")
    assert (model.variables["OPENAI_BASE_URL"], model.relayed_port) == (seen, relayed_port)


def test_the_stack_takes_the_switches_of_every_model() -> None:
    local = Settings.from_context(local_model("http://127.0.0.1:1/v1", None, desktop=False).switches)
    assert (local.model_provider, local.model_id) == ("openai", "local")
    # SAM would prefer the shell's MODEL_PROVIDER=local.
    assert local_model("http://127.0.0.1:1/v1", "m", desktop=False).variables["MODEL_PROVIDER"] == "openai"
    bedrock = Settings.from_context(hosted_model("bedrock", None).switches)
    assert bedrock == Settings()
    anthropic = Settings.from_context(hosted_model("anthropic", "claude-sonnet-4-6").switches)
    assert (anthropic.model_provider, anthropic.model_id) == ("anthropic", "claude-sonnet-4-6")
