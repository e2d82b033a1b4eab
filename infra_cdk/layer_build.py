"""Builds the layers, without Docker: uv and Node come from the Python lock file.

The dependencies layer holds the locked wheels for Lambda's platform, trimmed, and the certificate authorities of the
database. A layer is a folder named after the hash of its inputs, so it is built once and shared by synth and tests.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import uv

from infra_cdk import ROOT, layer_compile
from infra_cdk.certificates import find_authorities
from infra_cdk.layer_compile import PYTHON_VERSION, compile_beside_sources, compile_instead_of_sources, find_compiler
from infra_cdk.switches.model import PROVIDER_KEY_VARIABLES

# Amazon Linux 2023 has glibc 2.34.
LAMBDA_PLATFORMS = {"arm64": "aarch64-manylinux_2_34", "x86_64": "x86_64-manylinux_2_34"}
BUILDS = ROOT / "layers/dependencies/build"

# What the functions call; secretsmanager for a model provider's key, sts for web identity credentials.
AWS_SERVICES = frozenset({"bedrock-runtime", "rds", "secretsmanager", "sts"})
_AMAZON_ROOTS = ("Amazon Root CA ", "Starfield Services Root Certificate Authority - G2")


def build_dependencies_layer(
    model_provider: str = "bedrock",
    platform: str = LAMBDA_PLATFORMS["arm64"],
    region: str | None = None,
    *,
    exports_spans: bool = False,
    reads_tokens: bool = False,
) -> Path:
    """The layer's unpacked folder: `python/` and `certificates/{amazon-trust-services,rds}.pem`.

    Raises `SettingsError` where no certificate authority of `region` is to be had.
    """
    requirements, authorities = (
        locked_requirements(model_provider, exports_spans=exports_spans, reads_tokens=reads_tokens),
        find_authorities(region),
    )
    key = _key(requirements, platform, authorities)
    return _build_once(key, lambda layer: _fill(layer, requirements, platform, authorities))


def build_source_layer(source: Path) -> Path:
    """The folder of one of this project's own layers: `source` as it is in the work tree, compiled."""
    files = sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    key = _key(*(f"{path.relative_to(source)}\0{path.stat().st_mode}\0{_digest(path)}" for path in files))
    return _build_once(key, lambda layer: _copy_source(source, layer))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _copy_source(source: Path, layer: Path) -> None:
    shutil.copytree(source, layer, ignore=shutil.ignore_patterns("__pycache__"))
    compile_beside_sources(layer / "python")


def _build_once(key: str, fill: Callable[[Path], None]) -> Path:
    built = BUILDS / key
    if not built.exists():
        BUILDS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILDS) as work:
            fill(Path(work) / "layer")
            _publish(Path(work) / "layer", built)
    return built


def locked_requirements(model_provider: str, *, exports_spans: bool = False, reads_tokens: bool = False) -> str:
    # The CDK CLI makes its child processes print colours, and escape codes would end up in the list.
    plain = ["--frozen", "--quiet", "--color=never", "--no-annotate", "--no-header"]
    export = [uv.find_uv_bin(), "export", "--no-default-groups", "--no-emit-project", *plain]
    asked = {"otlp": exports_spans, "jwt": reads_tokens, model_provider: model_provider in PROVIDER_KEY_VARIABLES}
    names = ["app", *(name for name, is_asked in asked.items() if is_asked)]
    groups = [f"--group={name}" for name in names]
    return subprocess.run([*export, *groups], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _key(*parts: str) -> str:
    builders = [Path(__file__).read_text(), Path(layer_compile.__file__).read_text()]
    inputs = [*parts, *builders, str(find_compiler() is not None)]
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def _fill(layer: Path, requirements: str, platform: str, authorities: str) -> None:
    python = layer / "python"
    install(requirements, platform, python)
    _trim(python)
    _write_certificates(python, layer / "certificates", authorities)
    compile_instead_of_sources(python)


def install(requirements: str, platform: str, target: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write(requirements)
        listed.flush()
        where = ["--target", str(target), "--python-platform", platform, "--python-version", PYTHON_VERSION]
        how = ["--only-binary", ":all:", "--require-hashes", "--no-deps", "--link-mode", "copy", "--quiet"]
        subprocess.run([uv.find_uv_bin(), "pip", "install", *where, *how, "-r", listed.name], check=True)


def _trim(python: Path) -> None:
    services = (entry for entry in (python / "botocore/data").iterdir() if entry.is_dir())
    unused = [service for service in services if service.name not in AWS_SERVICES]
    tests = [folder for name in ("tests", "test") for folder in python.glob(f"*/{name}") if folder.is_dir()]
    for folder in [*unused, *tests, python / "boto3/data", python / "boto3/examples", python / "bin"]:
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in ("*.pyi", "*.c", "*.h"):
        for file in python.rglob(pattern):
            file.unlink()


def _write_certificates(python: Path, certificates: Path, authorities: str) -> None:
    """RDS Proxy's certificate comes from ACM and a cluster's from RDS's own authorities: one file each."""
    certificates.mkdir()
    amazon = _pem_blocks((python / "certifi/cacert.pem").read_text(), _AMAZON_ROOTS)
    (certificates / "amazon-trust-services.pem").write_text("".join(amazon))
    (certificates / "rds.pem").write_text(authorities)


def _pem_blocks(bundle: str, labels: Sequence[str]) -> list[str]:
    """The certificates in certifi's bundle with a `# Label:` that starts with one of `labels`."""
    end = "-----END CERTIFICATE-----\n"
    blocks = [block + end for block in bundle.split(end)]
    return [block for block in blocks if any(f'# Label: "{label}' in block for label in labels)]


def _publish(work: Path, built: Path) -> None:
    """The folder appears complete or not at all; when two builds race, the second finds the first one's result."""
    try:
        work.rename(built)
    except OSError:
        if not built.exists():
            raise
