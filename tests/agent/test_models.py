import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from strands.models.bedrock import BedrockModel
from strands.models.openai import OpenAIModel

from agent.models import PROVIDERS, ModelSettingsError, build_model
from tests.support.scripted_model import PromptedModel


def test_bedrock_has_a_default_model_and_times_out_before_the_run_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    model = build_model("bedrock", read_timeout_seconds=7)

    assert isinstance(model, BedrockModel)
    config = model.client.meta.config
    assert (config.read_timeout, config.connect_timeout) == (7, 5)
    assert config.retries["total_max_attempts"] == 2
    assert model.client.meta.region_name == "eu-central-1"
    assert model.get_config()["model_id"]


def test_a_model_id_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert build_model("bedrock", "amazon.nova-micro-v1:0").get_config()["model_id"] == "amazon.nova-micro-v1:0"


def test_local_talks_to_the_url_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    model = build_model("local", local_url="http://127.0.0.1:1/v1")
    assert isinstance(model, OpenAIModel)
    assert model.client_args["base_url"] == "http://127.0.0.1:1/v1"


def test_a_model_of_ones_own_is_named_by_module_and_factory() -> None:
    assert isinstance(build_model("tests.support.scripted_model:build"), PromptedModel)


@pytest.mark.parametrize(
    ("provider", "model_id", "told"),
    [
        ("bedrok", None, "MODEL_PROVIDER='bedrok' is unknown: choose one of bedrock, local, anthropic"),
        ("", None, "is unknown"),
        ("Bedrock", None, "is unknown"),
        ("openai", None, "MODEL_ID is empty: set it to the name of a model that openai serves."),
        ("local", None, "MODEL_PROVIDER=local needs LOCAL_MODEL_URL"),
        ("no.such_module:build", None, "cannot be imported: No module named 'no'."),
        ("tests.support.scripted_model:nothing", None, "has no attribute 'nothing'"),
        (":build", None, "cannot be imported"),
        (".module:build", None, "cannot be imported"),
        ("tests.support.scripted_model:", None, "cannot be imported"),
        ("builtins:dict", None, "gave a dict, not a strands Model"),
        ("builtins:copyright.nothing", None, "cannot be imported"),
    ],
)
def test_settings_that_name_no_model_are_told_in_one_sentence(provider: str, model_id: str | None, told: str) -> None:
    with pytest.raises(ModelSettingsError) as error:
        build_model(provider, model_id)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("provider", "package"),
    [
        ("anthropic", "anthropic"),
        ("gemini", "google.genai"),
        ("litellm", "litellm"),
        ("mistral", "mistralai"),
        ("ollama", "ollama"),
        ("openai", "openai"),
    ],
)
def test_a_missing_package_is_told_with_the_commands_that_install_it(
    provider: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # Python's own way to make an import fail
    parent, _, name = package.rpartition(".")
    if parent in sys.modules:  # which keeps what was imported from it before
        monkeypatch.delattr(sys.modules[parent], name, raising=False)
    monkeypatch.delitem(sys.modules, f"strands.models.{provider}", raising=False)
    with pytest.raises(ModelSettingsError) as error:
        build_model(provider, "some-model")
    assert f"`uv sync --group {provider}`" in str(error.value)
    assert f"`-c model_provider={provider}`" in str(error.value)


def test_only_the_chosen_providers_sdk_is_imported() -> None:
    program = (
        "import sys; from agent.models import build_model; build_model('bedrock', 'm');"
        "print(sorted({'openai', 'anthropic', 'ollama', 'litellm'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_every_provider_with_an_sdk_has_a_dependency_group_of_its_name() -> None:
    groups = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["dependency-groups"]
    assert set(PROVIDERS) - {"bedrock", "local"} <= set(groups)
