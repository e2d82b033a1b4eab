"""The importer: each source is made by the package that it is for."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws
from strands import Agent, tool
from strands.agent.conversation_manager import SlidingWindowConversationManager
from strands.multiagent import GraphBuilder
from strands.session import FileSessionManager, S3SessionManager
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands.storage import LocalFileStorage, S3Storage
from uv import find_uv_bin

from local.database import EmbeddedDatabase
from session_store.importer.__main__ import main
from session_store.postgresql import PostgreSQLStore
from session_store.repository import PostgreSQLSessionRepository
from tests.support.scripted_model import ScriptedModel, Turn, UseTool

BUCKET = "sessions"
SAID = ["My name is Alice", "You are Alice.", "Who am I?", "Still Alice."]


@tool
def look_up(words: str) -> str:
    """Look something up."""
    return f"found {words}"


def agent_of(session_manager: Any, *turns: Turn, **options: Any) -> Agent:
    return Agent(
        model=ScriptedModel(*turns),
        session_manager=session_manager,
        agent_id="default",
        tools=[look_up],
        callback_handler=None,
        **options,
    )


def hold(session_manager: Any, **options: Any) -> Agent:
    """Two turns, the first with a tool; six messages."""
    turns = UseTool("look_up", {"words": "größe \u2028"}), "You are Alice.", "Still Alice."
    agent = agent_of(session_manager, *turns, **options)
    agent.state.set("mood", "good")
    agent("My name is Alice")
    agent("Who am I?")
    return agent


def texts(messages: Any) -> list[str]:
    return [block["text"] for message in messages for block in message["content"] if "text" in block]


class Target:
    """Where sessions come to."""

    def __init__(self, store: PostgreSQLStore, url: str, owner: str, say: Callable[[], str]) -> None:
        self.store, self.owner, self._url, self._say = store, owner, url, say
        self.repository = PostgreSQLSessionRepository(store=store, owner=owner)

    def take(self, source: object, *options: str) -> tuple[int, list[str]]:
        """The exit code and the report's lines."""
        sources = [str(source)] if source else []
        status = main([*options, *sources, self._url, "--owner", self.owner])
        return status, self._say().splitlines()

    def remembered(self, session_id: str = "user-123") -> list[str]:
        with self.repository.run(session_id) as run:
            agent = agent_of(run.session_manager, "and on")
            restored = texts(agent.messages)
            assert agent.state.get("mood") == "good"
            agent("next")
        return restored

    def remembered_by_snapshot(self, session_id: str = "user-123") -> list[str]:
        with self.repository.run(session_id) as run:
            agent = agent_of(SnapshotSessionManager(session_id, storage=run.storage), "and on")
            restored = texts(agent.messages)
            assert agent.state.get("mood") == "good"
            agent("next")
        return restored


@pytest.fixture
def target(
    module_store: PostgreSQLStore, shared_database_url: str, owner: str, capsys: pytest.CaptureFixture[str]
) -> Target:
    return Target(module_store, shared_database_url, owner, lambda: capsys.readouterr().out)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield BUCKET


def test_a_folder_comes_with_its_messages_and_the_next_turn_remembers(target: Target, tmp_path: Path) -> None:
    written = hold(FileSessionManager("user-123", storage_dir=str(tmp_path)))
    assert target.take(tmp_path) == (0, ["imported messages: 6", "imported sessions: 1"])
    (session,) = target.repository.list_sessions().sessions
    stored = json.loads((tmp_path / "session_user-123/session.json").read_text())
    assert (session.preview, session.message_count) == ("My name is Alice", 6)
    assert session.created_at == stored["created_at"]
    messages = target.repository.list_messages("user-123", "default")
    assert [message.to_message() for message in messages] == written.messages
    assert target.remembered() == SAID


def test_importing_again_doubles_nothing_and_takes_what_is_new(target: Target, tmp_path: Path) -> None:
    hold(FileSessionManager("user-123", storage_dir=str(tmp_path)))
    target.take(tmp_path)
    hold(FileSessionManager("user-124", storage_dir=str(tmp_path)))
    assert target.take(tmp_path) == (
        0,
        ["found sessions already here: 1", "imported messages: 6", "imported sessions: 1"],
    )
    assert target.remembered() == SAID
    assert target.take(tmp_path) == (0, ["found sessions already here: 2"])
    assert len(target.repository.list_messages("user-123", "default")) == 8


def test_a_dry_run_reads_everything_and_writes_nothing(target: Target, tmp_path: Path) -> None:
    hold(FileSessionManager("user-123", storage_dir=str(tmp_path)))
    hold(SnapshotSessionManager("user-124", storage=LocalFileStorage(str(tmp_path))))
    status, lines = target.take(tmp_path, "--dry-run")
    assert (status, lines) == (
        0,
        [
            "would have imported messages: 6",
            "would have imported sessions: 1",
            "would have imported values: 1",
        ],
    )
    assert target.repository.list_sessions().sessions == []
    assert target.store.values.list(target.owner, "") == []


def test_of_a_damaged_folder_what_is_whole_comes_and_the_rest_is_named(target: Target, tmp_path: Path) -> None:
    for name in ("whole", "cut", "headless", "odd", "linked", "orphaned"):
        hold(FileSessionManager(name, storage_dir=str(tmp_path)))
    messages = "agents/agent_default/messages"
    (tmp_path / f"session_cut/{messages}/message_3.json").write_text('{"message": {')
    (tmp_path / "session_headless/session.json").unlink()
    (tmp_path / f"session_odd/{messages}/message_2.json").write_text('{"message": {"role": "robot", "content": []}}')
    link = tmp_path / f"session_linked/{messages}/message_1.json"
    link.unlink()
    link.symlink_to(tmp_path / f"session_whole/{messages}/message_1.json")
    (tmp_path / "session_orphaned/agents/agent_default/agent.json").unlink()
    snapshot = tmp_path / "session/user-123/scopes/agent/default/snapshots/snapshot_latest.json"
    snapshot.parent.mkdir(parents=True)
    snapshot.write_text("[]")

    status, lines = target.take(tmp_path)

    assert status == 1
    assert lines[:2] == ["imported messages: 6", "imported sessions: 1"]
    reasons = {line.split("'")[1]: line for line in lines[2:]}
    assert "message_3.json is not JSON" in reasons["cut"]
    assert "no session.json" in reasons["headless"]
    assert "role user or assistant" in reasons["odd"]
    assert "message_1.json is a symbolic link" in reasons["linked"]
    assert "messages of an agent that it lacks: default" in reasons["orphaned"]
    assert "no snapshot" in reasons[snapshot.relative_to(tmp_path).as_posix()]
    assert [session.session_id for session in target.repository.list_sessions().sessions] == ["whole"]


def test_redacted_messages_keep_nothing_of_their_original(target: Target, tmp_path: Path) -> None:
    manager = FileSessionManager("user-123", storage_dir=str(tmp_path))
    agent = hold(manager)
    manager.redact_latest_message({"role": "assistant", "content": [{"text": "[redacted]"}]}, agent)
    target.take(tmp_path)
    assert target.remembered() == [*SAID[:3], "[redacted]"]
    with psycopg.connect(target._url) as connection:
        rows = connection.execute(
            "SELECT m.message::text FROM messages m JOIN sessions USING (session_key) WHERE owner = %s", (target.owner,)
        ).fetchall()
    assert not any("Still Alice" in text for (text,) in rows)


def test_a_graph_and_what_a_conversation_manager_removed_come_as_they_are(target: Target, tmp_path: Path) -> None:
    window = SlidingWindowConversationManager(window_size=2)
    hold(FileSessionManager("user-123", storage_dir=str(tmp_path)), conversation_manager=window)
    builder = GraphBuilder().set_max_node_executions(3).set_graph_id("graph")
    builder.add_node(Agent(model=ScriptedModel("from the node"), callback_handler=None), "only")
    builder.set_session_manager(FileSessionManager("user-124", storage_dir=str(tmp_path)))
    builder.build()("Hello")
    assert target.take(tmp_path)[0] == 0
    with target.repository.run("user-123") as run:
        agent = agent_of(run.session_manager, conversation_manager=SlidingWindowConversationManager(window_size=2))
        assert texts(agent.messages) == SAID[2:]
    assert len(target.repository.list_messages("user-123", "default")) == 6
    state = target.repository.read_multi_agent("user-124", "graph")
    assert state == FileSessionManager("user-124", storage_dir=str(tmp_path)).read_multi_agent("user-124", "graph")


def test_a_bucket_comes_in_both_layouts(target: Target, bucket: str) -> None:
    hold(S3SessionManager("user-123", bucket=bucket, prefix="prod/agents"))
    hold(SnapshotSessionManager("user-124", storage=S3Storage(bucket, prefix="prod/agents")))
    hold(S3SessionManager("of-another-prefix", bucket=bucket, prefix="test"))
    assert target.take(f"s3://{bucket}/prod/agents") == (
        0,
        ["imported messages: 6", "imported sessions: 1", "imported values: 1"],
    )
    assert target.remembered() == SAID
    assert target.remembered_by_snapshot("user-124") == SAID


def test_a_value_that_went_on_here_is_not_overwritten(target: Target, tmp_path: Path) -> None:
    hold(SnapshotSessionManager("user-123", storage=LocalFileStorage(str(tmp_path))))
    assert target.take(tmp_path) == (0, ["imported values: 1"])
    assert target.take(tmp_path) == (0, ["found values already here: 1"])
    assert target.remembered_by_snapshot() == SAID
    status, (line,) = target.take(tmp_path)
    assert status == 1
    assert "already, with another content" in line
    assert target.remembered_by_snapshot() == [*SAID, "next", "and on"]


def test_the_other_postgresql_stores_come(target: Target, postgresql_server: EmbeddedDatabase) -> None:
    urls: list[str] = []
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        for name in ("relational", "keyed", "valued"):
            connection.execute(f"CREATE DATABASE {name}")  # pyright: ignore[reportArgumentType]
            urls.append(postgresql_server.url.rpartition("/")[0] + f"/{name}")
    script = Path(__file__).parent / "peers/hold_turns.py"
    made = subprocess.run([find_uv_bin(), "run", "--quiet", "--script", script, *urls], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    for url, lines in zip(urls, (["imported messages: 6", "imported sessions: 1"],) * 2, strict=False):
        assert target.take(url) == (0, lines)
        assert target.remembered() == SAID
        target.repository.delete_session("user-123")
    assert target.take(urls[2]) == (0, ["imported values: 1"])
    assert target.remembered_by_snapshot() == SAID


def test_rows_become_snapshots_and_snapshots_rows(target: Target) -> None:
    with target.repository.run("user-123") as run:
        hold(run.session_manager, conversation_manager=SlidingWindowConversationManager(window_size=4))
    assert target.take(None, "--to-snapshots", "--dry-run") == (0, ["would have converted agents: 1"])
    assert target.store.values.list(target.owner, "") == []
    assert target.take(None, "--to-snapshots") == (0, ["converted agents: 1"])
    assert target.take(None, "--to-snapshots") == (0, ["found already here: 1"])
    held = target.remembered_by_snapshot()
    assert held == SAID[2:]  # what the conversation manager still held
    for record in target.store.agents.list(target.owner, "user-123"):
        target.store.agents.delete(target.owner, "user-123", record.agent_id)
    assert target.take(None, "--from-snapshots") == (0, ["converted agents: 1"])
    assert target.take(None, "--from-snapshots") == (0, ["found already here: 1"])
    assert target.remembered() == [*held, "next", "and on"]


def test_what_it_cannot_begin_with_is_said_at_once(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str], postgresql_server: EmbeddedDatabase
) -> None:
    assert target.take(tmp_path / "missing")[0] == 2
    assert target.take(postgresql_server.url)[0] == 2
    with pytest.raises(SystemExit) as refused:
        target.take(tmp_path, "--to-snapshots")
    assert refused.value.code == 2
    capsys.readouterr()
