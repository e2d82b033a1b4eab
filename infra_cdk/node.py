"""Runs the pinned CDK CLI with the Node from the Python lock file: `python -m infra_cdk.node cdk deploy`."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from infra_cdk import NODE

FOLDER = Path(__file__).parent
NODE_MODULES = FOLDER / "node_modules"
_NPM = NODE.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"


def install(folder: Path = FOLDER) -> None:
    """Make a folder's `node_modules` match its package-lock.json; no registry is asked where it already does."""
    packages, installed = folder / "package-lock.json", folder / "node_modules/.package-lock.json"
    with packages.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # npm removes `node_modules` first, from under another process that reads it
        if not installed.exists() or installed.stat().st_mtime < packages.stat().st_mtime:
            command = [NODE, _NPM, "ci", "--loglevel=error"]
            subprocess.run(command, cwd=folder, env=_environment(), stdout=sys.stderr, check=True)
            installed.touch()


def cdk(arguments: list[str]) -> int:
    install()
    command = [NODE, NODE_MODULES / "aws-cdk/bin/cdk", *arguments]
    return subprocess.run(command, cwd=FOLDER.parent, env=_environment(), check=False).returncode


def _environment() -> dict[str, str]:
    """PATH begins with our Node, because Node programs start `node` by name."""
    return {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    if sys.argv[1:2] != ["cdk"]:
        sys.exit("usage: python -m infra_cdk.node cdk ARGUMENTS")
    sys.exit(cdk(sys.argv[2:]))
