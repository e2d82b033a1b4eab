"""The CDK's command line tool: pinned, offline, and without a Node on the machine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from infra_cdk import NODE, ROOT, node

LOCK = (node.FOLDER / "package-lock.json").read_text()


def test_command_line_tool_is_pinned_by_checksum_and_by_no_registry() -> None:
    assert '"aws-cdk": "2.1148.1"' in (node.FOLDER / "package.json").read_text()
    locked = [package for name, package in json.loads(LOCK)["packages"].items() if name]
    assert all(package["integrity"].startswith("sha512-") for package in locked)
    assert not re.search(r"https?:|resolved", LOCK)


def test_node_is_the_one_of_pythons_lock_file() -> None:
    assert Path(os.environ["JSII_NODE"]) == NODE
    assert Path(sys.prefix) in NODE.parents


def test_synth_needs_no_account_and_prints_the_stack(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(tmp_path / "none"))
    environment = {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", "CI": "true"}
    command = [sys.executable, "-m", "infra_cdk.node", "cdk", "list", "--output", str(tmp_path / "cdk.out")]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["StrandsSessions"]
    assert (tmp_path / "cdk.out/StrandsSessions.template.json").exists()
