"""The dependencies layer as Lambda unpacks it."""

import platform
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from infra_cdk import ROOT, layer_build
from infra_cdk.layer_build import build_dependencies_layer, build_source_layer, find_compiler

MEGABYTE = 1_000_000
HERE = f"{platform.machine()}-manylinux_2_34"

# What the handlers import, directly or through Strands; the agent's provider among it.
IMPORTS = """
import aws_lambda_powertools.event_handler, awslambdaric, boto3, psycopg, pydantic
import strands, strands.models.bedrock, strands.session.repository_session_manager, strands.tools.mcp
assert psycopg.pq.__impl__ == "binary", psycopg.pq.__impl__
for service in ("bedrock-runtime", "rds", "secretsmanager", "sts"):
    boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
token = boto3.client("rds", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
assert token.generate_db_auth_token("host", 5432, "sessions_app").startswith("host:5432/?")
"""


PACKAGES = {"anthropic": "anthropic==", "gemini": "google-genai==", "mistral": "mistralai==", "openai": "openai=="}


@pytest.fixture(scope="session")
def layer() -> Path:
    return build_dependencies_layer()


@pytest.fixture(scope="session")
def lambda_python() -> str:
    python = find_compiler()
    if python is None:
        pytest.skip(f"no Python {layer_build.PYTHON_VERSION} on this machine, and uv could not fetch one")
    return python


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_layer_is_under_70_megabytes_unpacked(layer: Path) -> None:
    assert sum(path.stat().st_size for path in files_of(layer)) < 70 * MEGABYTE


def test_everything_that_a_function_unpacks_is_under_lambdas_limit(layer: Path) -> None:
    own = [build_source_layer(ROOT / "layers" / name) for name in ("app", "response_streaming")]
    assert sum(path.stat().st_size for folder in (layer, *own) for path in files_of(folder)) < 250 * MEGABYTE


def test_layer_is_for_lambdas_platform(layer: Path) -> None:
    binaries = [path for path in files_of(layer) if path.suffix == ".so"]
    assert binaries
    for binary in binaries:
        assert binary.read_bytes()[18:20] == b"\xb7\x00", f"{binary} is not for 64-bit ARM"  # ELF's e_machine


def test_layer_knows_no_aws_service_that_is_not_used(layer: Path) -> None:
    services = {entry.name for entry in (layer / "python/botocore/data").iterdir() if entry.is_dir()}
    assert services == layer_build.AWS_SERVICES


def test_layer_is_compiled_for_lambda_whatever_the_file_times(layer: Path, lambda_python: str) -> None:
    """Lambda shows every file with the same time: a `.pyc` must not be checked against it (PEP 552, flags 0b01)."""
    for package in ("strands", "psycopg", "botocore", "boto3"):
        assert (layer / "python" / package / "__init__.pyc").read_bytes()[4:8] == b"\x01\x00\x00\x00"
    # Reads its own source, so it keeps it.
    assert (layer / "python/anyio/__init__.py").exists()
    assert (layer / "python/anyio/__pycache__/__init__.cpython-313.pyc").read_bytes()[4:8] == b"\x01\x00\x00\x00"


def test_layers_of_ours_are_compiled_too_and_keep_the_wrapper_executable(lambda_python: str) -> None:
    app, streaming = build_source_layer(ROOT / "layers/app"), build_source_layer(ROOT / "layers/response_streaming")
    assert list((app / "python/session_store/__pycache__").glob("*.cpython-313.pyc"))
    assert (app / "python/session_store/migrations/0001_create_sessions.sql").exists()
    assert (streaming / "response-streaming").stat().st_mode & 0o111 == 0o111


def test_layer_imports_under_lambdas_python(layer: Path, lambda_python: str, tmp_path: Path) -> None:
    """Lambda's is for Graviton: here its bytecode runs over this machine's binaries of the same wheels."""
    installed, python = tmp_path / "installed", tmp_path / "python"
    layer_build.install(layer_build.locked_requirements("bedrock"), HERE, installed)
    shutil.copytree(layer / "python", python)
    for binary in (path for path in files_of(installed) if ".so" in path.suffixes):
        target = python / binary.relative_to(installed)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(binary, target)
    program = f"import sys; sys.path.insert(0, {str(python)!r}){IMPORTS}"
    ended = subprocess.run([lambda_python, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("provider", ["bedrock", *PACKAGES])
def test_every_provider_has_its_package_in_the_lock(provider: str) -> None:
    requirements = layer_build.locked_requirements(provider)
    assert "strands-agents==" in requirements
    assert provider == "bedrock" or PACKAGES[provider] in requirements


def test_layer_trusts_the_proxys_and_the_clusters_authorities(layer: Path) -> None:
    """As OpenSSL reads them: which roots, and that some last."""
    proxy = trusted(layer / "certificates/amazon-trust-services.pem")
    assert {name for name in proxy if name.startswith("Amazon Root CA")} == {f"Amazon Root CA {n}" for n in range(1, 5)}
    assert len(proxy) == 5
    cluster = trusted(layer / "certificates/rds.pem")
    for region in ("us-east-1", "eu-central-1", "ap-southeast-2"):
        assert f"Amazon RDS {region} Root CA RSA2048 G1" in cluster
    assert all(name.startswith("Amazon RDS ") for name in cluster)


def trusted(file: Path) -> set[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    subjects = [dict(part[0] for part in authority["subject"]) for authority in context.get_ca_certs()]
    return {subject["commonName"] for subject in subjects}


def test_same_inputs_are_built_once(layer: Path) -> None:
    built_at = layer.stat().st_ctime_ns
    assert build_dependencies_layer() == layer
    assert layer.stat().st_ctime_ns == built_at
