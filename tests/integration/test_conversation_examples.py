"""The commands of docs/api.md on conversations, run in order by a shell."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.gateway import Gateway
from tests.support.http_api import ROOT
from tests.support.scripted_model import read_calls

SECTION = (ROOT / "docs/api.md").read_text().partition("## Conversations\n")[2].partition("\n## ")[0]
GIF = base64.b64decode("R0lGODlhAQABAAAAACw=")


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Iterator[Gateway]:
    environment = {
        "SESSION_BACKEND_URL": database_url,
        "MODEL_PROVIDER": "tests.support.scripted_model:build",
        "SCRIPTED_MODEL_CALLS": str(tmp_path / "calls.jsonl"),
    }
    with Gateway(environment, port=0, backend_port=0) as gateway:
        yield gateway


def test_the_commands_on_conversations_do_what_the_page_says(gateway: Gateway, tmp_path: Path) -> None:
    def run(command: str, **variables: str) -> str:
        words = command.replace("http://localhost:8000", gateway.url)
        ended = subprocess.run(
            ["bash", "-c", f"{words} -sS --fail"],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            check=True,
        )
        return ended.stdout.decode()

    for prompt in ("Hello, my name is Alice", "What is my name?"):
        body = json.dumps({"prompt": prompt, "session_id": "user-123"})
        run(f"curl http://localhost:8000/process -H 'Content-Type: application/json' -d '{body}'")
    *before, describe, upload, show, save = commands()
    named, listed, found, forked, again, seen = map(run, before)
    described = json.loads(run(describe))
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42".ljust(6_000_000, b"\0"))
    run(upload, UPLOAD_URL=described["url"])
    watched, saved = run(show, UPLOAD_ID=described["upload_id"]), run(save)

    assert json.loads(named)["title"] == "Trip to Rome"
    assert [each["session_id"] for each in json.loads(listed)["sessions"]] == ["user-123"]
    assert json.loads(found)["sessions"][0]["match"]["passage"] == "Trip to Rome"
    fork: Any = json.loads(forked)
    assert (fork["session_id"], fork["message_count"], fork["state_message_id"]) == ("user-123-fork", 2, 1)
    assert json.loads(again)["response"] == "You said: Hello, my name is Bob"
    assert json.loads(seen)["response"] == "You said: What is this?"
    assert "GIF89a" in str(read_calls(tmp_path / "calls.jsonl")[-2])
    assert json.loads(watched)["response"] == "You said: What happens here?"
    assert (saved, (tmp_path / "2-2f41918f848b5fb0.gif").read_bytes()) == ("", GIF)


def commands() -> list[str]:
    """Each curl of the section, over as many lines as it has."""
    blocks = "".join(re.findall(r"```bash\n(.*?)```", SECTION, re.S))
    return [f"curl {each}".strip() for each in re.split(r"^curl ", blocks, flags=re.M) if each]
