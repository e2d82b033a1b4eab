"""The last release works on today's schema: its functions serve until a deployment has changed them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Of the code that is deployed before today's; to be moved on with each release, and the paths below with it.
LAST_RELEASE = "fccdd66b5b1be5bdfb50d976310b87a918d1f633"
MIGRATIONS = "layers/app/python/session_store/migrations"
PACKAGES = ("layers/app/python", "layers/response_streaming/python", ".")
SUITES = ("tests/contract", "tests/proof")
LEFT_OUT = {
    "tests/proof/test_wheel.py": "builds the release's wheel, which the schema is no part of",
    "tests/proof/test_plans.py": "fills 100,000 sessions; no index is touched without a migration of its own",
    "tests/proof/test_wire.py::test_the_schema_holds_nothing_that_pins": "names every function of the schema",
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The last release's tree, with today's migrations."""
    archive, tree = tmp_path / "release.tar", tmp_path / "release"
    git = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--output", str(archive), LAST_RELEASE],
        capture_output=True,
        text=True,
        check=False,
    )
    if git.returncode != 0:
        missing = f"the last release is not in this checkout's history: {git.stderr.strip()}"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    tree.mkdir()
    subprocess.run(["tar", "-xf", str(archive), "-C", str(tree)], check=True)
    released = {path.name: path.read_bytes() for path in (tree / MIGRATIONS).iterdir()}
    shutil.rmtree(tree / MIGRATIONS)
    shutil.copytree(ROOT / MIGRATIONS, tree / MIGRATIONS)
    assert released == {name: (tree / MIGRATIONS / name).read_bytes() for name in released}, "a migration was edited"
    return tree


@pytest.mark.history
@pytest.mark.timeout(900)
def test_the_last_release_works_on_todays_schema(release: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join(str(release / package) for package in PACKAGES)
    left_out = [option for name in LEFT_OUT for option in ("--deselect", name)]
    suites = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *left_out, *SUITES],
        cwd=release,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert suites.returncode == 0, suites.stdout[-20_000:]
    assert f"{release}" in _where_it_imports_from(release, environment)


def _where_it_imports_from(release: Path, environment: dict[str, str]) -> str:
    program = [sys.executable, "-c", "import session_store; print(session_store.__file__)"]
    return subprocess.run(program, cwd=release, env=environment, capture_output=True, text=True, check=True).stdout
