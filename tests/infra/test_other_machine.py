"""x86_64 functions, whose model speaks OpenAI's protocol elsewhere: what a laptop's containers run, too."""

import pytest

from tests.infra.conftest import Synthesize
from tests.infra.template import Template, flat

URL = "https://models.example/v1"


@pytest.fixture(scope="session")
def other_machine(templates: Synthesize) -> Template:
    return templates(
        architecture="x86_64",
        model_provider="openai",
        model_id="small",
        model_key_secret="models",
        model_url=URL,
        nat="true",
    )


def test_functions_and_layers_are_for_the_chosen_architecture(other_machine: Template) -> None:
    layers = [layer["CompatibleArchitectures"] for layer in other_machine.all("AWS::Lambda::LayerVersion").values()]
    functions = [other_machine.function(name)["Architectures"] for name in other_machine.function_ids()]
    assert [architectures for architectures in layers + functions if architectures != ["x86_64"]] == []


def test_dependencies_are_for_the_chosen_architecture(other_machine: Template) -> None:
    binaries = [binary for asset in other_machine.assets() for binary in asset.glob("python/psycopg_binary/*.so")]
    assert binaries
    assert {binary.read_bytes()[18:20] for binary in binaries} == {b"\x3e\x00"}  # ELF's e_machine


def test_only_agents_know_the_url_of_the_model(other_machine: Template) -> None:
    variables = {
        name: other_machine.function(name)["Environment"]["Variables"] for name in other_machine.function_ids()
    }
    assert variables["process"]["OPENAI_BASE_URL"] == URL
    agents = ["process", "process_streaming", "process_background"]
    assert [name for name, of in variables.items() if URL in flat(of)] == agents
