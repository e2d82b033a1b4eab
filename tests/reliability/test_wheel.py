"""The wheel, as a stranger installs it: into an empty environment, with nothing of ours beside it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from uv import find_uv_bin

from local.database import EmbeddedDatabase

CHECKOUT = Path(__file__).resolve().parents[2]
README = CHECKOUT / "layers/app/python/session_store/README.md"
MODEL = "from scripted_model import ScriptedModel\nmodel = ScriptedModel('the first answer', 'the second answer')\n"


def run(*command: str | Path, **options: Any) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=150, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of the source distribution, as an index's own builders do."""
    folder = tmp_path_factory.mktemp("wheel")
    run(find_uv_bin(), "build", "--quiet", "--out-dir", folder, CHECKOUT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel, what it asks for, and a model to talk to."""
    folder = tmp_path_factory.mktemp("environment")
    locked = run(
        find_uv_bin(),
        "export",
        "--frozen",
        "--no-default-groups",
        "--no-emit-project",
        "--no-hashes",
        "--quiet",
        cwd=CHECKOUT,
    )
    (folder / "locked.txt").write_text(locked)
    run(find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder / "venv")
    interpreter = folder / "venv/bin/python"
    run(
        *(find_uv_bin(), "pip", "install", "--quiet", "--python", interpreter),
        *("--constraints", folder / "locked.txt", wheel),
    )
    shutil.copy(CHECKOUT / "tests/support/scripted_model.py", folder / "scripted_model.py")
    return interpreter


@pytest.fixture
def empty_database_url(postgresql_server: EmbeddedDatabase) -> str:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS strangers WITH (FORCE)")
        connection.execute("CREATE DATABASE strangers")
    return postgresql_server.url.rpartition("/")[0] + "/strangers"


def test_the_wheel_holds_the_package_and_its_migrations_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"session_store", "strands_session_store"}
    source = README.parent
    migrations = {f"session_store/migrations/{file.name}" for file in (source / "migrations").glob("*.sql")}
    assert migrations
    assert migrations < set(names)
    modules = {str(file.relative_to(source.parent)) for file in source.rglob("*.py")}
    assert modules <= set(names)


def test_what_the_readme_says_runs_from_the_wheel_in_an_empty_environment(
    python: Path, empty_database_url: str, tmp_path: Path
) -> None:
    def stranger(*arguments: str) -> str:
        environment = {"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": str(python.parents[2])}
        return run(python, *arguments, cwd=tmp_path, env=environment)

    installed = stranger(
        "-c", "import session_store, importlib.util as u; print(session_store.__file__, u.find_spec('agent'))"
    )
    assert str(python.parents[1]) in installed
    assert installed.strip().endswith("None")
    applied = stranger("-m", "session_store.migrate", empty_database_url).splitlines()
    assert applied[0] == "applied 0001_create_sessions.sql"
    assert stranger("-m", "session_store.migrate", empty_database_url) == ""

    program = MODEL + "\n".join(python_snippets()).replace("postgresql://localhost/sessions", empty_database_url)
    assert program.count(empty_database_url) == 2
    printed = stranger("-c", program)
    assert re.findall("the (?:first|second) answer", printed) == ["the first answer", "the second answer"]
    with psycopg.connect(empty_database_url) as connection:
        said = connection.execute("SELECT message::text FROM messages ORDER BY message_id").fetchall()
    assert_in_order(["Hello", "the first answer", "Hello", "the second answer"], [text for (text,) in said])


def python_snippets() -> Sequence[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.S)


def assert_in_order(parts: Sequence[str], texts: Sequence[str]) -> None:
    assert len(parts) == len(texts)
    for part, text in zip(parts, texts, strict=True):
        assert part in text
