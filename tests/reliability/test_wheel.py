"""The wheel, as a stranger installs it: into an empty environment, with nothing of ours beside it."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from uv import find_uv_bin

from local.database import EmbeddedDatabase
from session_store.repository import PostgreSQLSessionRepository

CHECKOUT = Path(__file__).resolve().parents[2]
README = CHECKOUT / "layers/app/python/session_store/README.md"
ANSWERS = ["first", "async", "snapshot", "remembering", "second"]
MODEL = f"from scripted_model import ScriptedModel\nmodel = ScriptedModel(*{ANSWERS})\n"


def run(*command: str | Path, **options: Any) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=150, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a source distribution, and of a wheel that was built of it as an index's own builders do."""
    folder = tmp_path_factory.mktemp("wheel")
    run(find_uv_bin(), "build", "--quiet", "--out-dir", folder, CHECKOUT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the package, what it asks for, and a model to talk to.

    The wheel, and the locked versions; `make compatibility` names others by PACKAGE and RESOLUTION.
    """
    (package,) = built.glob(os.environ.get("PACKAGE", "*.whl"))
    folder = tmp_path_factory.mktemp("environment")
    run(find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder / "venv")
    interpreter = folder / "venv/bin/python"
    resolution = os.environ.get("RESOLUTION")
    chosen = ("--resolution", resolution) if resolution else ("--constraints", lock(folder))
    run(find_uv_bin(), "pip", "install", "--quiet", "--python", interpreter, *chosen, package)
    shutil.copy(CHECKOUT / "tests/support/scripted_model.py", folder / "scripted_model.py")
    return interpreter


def lock(folder: Path) -> Path:
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
    return folder / "locked.txt"


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
    stranger("-c", program)
    with psycopg.connect(empty_database_url) as connection:
        said = connection.execute(
            """
            SELECT session_id, string_agg(message->'content'->0->>'text', ' ' ORDER BY message_id)
            FROM sessions JOIN messages USING (session_key) GROUP BY session_id ORDER BY session_id
            """
        ).fetchall()
        keys = connection.execute("SELECT key FROM stored_values").fetchall()
    assert said == [
        ("user-123", "Hello first Hello second"),
        ("user-124", "Hello async"),
        ("user-126", "Hello remembering"),
    ]
    assert keys == [("session/user-125/scopes/agent/default/snapshots/snapshot_latest.json",)]


def test_the_readme_begins_with_seven_lines_that_hold_a_turn_and_ten_or_so_for_each_further_thing() -> None:
    first, _, *others = [snippet.strip().splitlines() for snippet in python_snippets()]
    assert len([line for line in first if line]) <= 7
    assert all(len([line for line in snippet if line]) <= 10 for snippet in others)


def python_snippets() -> Sequence[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.S)


@pytest.fixture
def service(python: Path, empty_database_url: str, tmp_path: Path) -> Iterator[str]:
    """The example under uvicorn, its model scripted by the prompt."""
    run(find_uv_bin(), "pip", "install", "--quiet", "--python", python, "fastapi", "uvicorn")
    run(python, "-m", "session_store.migrate", empty_database_url)
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(python.parents[2]),
        "SESSION_BACKEND_URL": empty_database_url,
        "DATABASE_POOL_SIZE": "4",
        "MODEL": "scripted_model:build",
    }
    command = [python, "-m", "uvicorn", "--port", "0", "--app-dir", CHECKOUT / "examples/fastapi", "main:app"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if match := re.search(r"running on (http://[\d.:]+)", line):
                yield match[1]
                break
        else:
            pytest.fail(said)
        process.terminate()
        process.communicate(timeout=30)


def ask(method: str, url: str, prompt: str | None = None) -> tuple[int, str]:
    body = None if prompt is None else json.dumps({"prompt": prompt}).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_fastapi_example_remembers_streams_refuses_a_second_turn_and_deletes(
    service: str, empty_database_url: str
) -> None:
    session = f"{service}/sessions/user-123"
    assert json.loads(ask("POST", f"{session}/turns", "Hello")[1])["answer"] == "You said: Hello"
    assert ask("POST", f"{session}/stream", "say: one two") == (200, "one two")
    with PostgreSQLSessionRepository(empty_database_url).run("user-123"):
        assert ask("POST", f"{session}/turns", "Hello again")[0] == 409
        assert ask("GET", f"{service}/health")[0] == 200
    history = ask("POST", f"{session}/turns", "echo-history")[1]
    assert "Hello" in history
    assert [ask("DELETE", session)[0] for _ in range(2)] == [204, 404]
