"""Runs the pinned CDK CLI with the Node from the Python lock file: `python -m infra_cdk.node cdk deploy`."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from infra_cdk import NODE

FOLDER = Path(__file__).parent
NODE_MODULES = FOLDER / "node_modules"
_INSTALLED = NODE_MODULES / ".package-lock.json"
_NPM = NODE.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"


def install() -> None:
    """Make `node_modules` match package-lock.json; the registry is not contacted when it already does."""
    packages = FOLDER / "package-lock.json"
    with packages.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # npm removes `node_modules` first, from under another process that reads it
        if not _INSTALLED.exists() or _INSTALLED.stat().st_mtime < packages.stat().st_mtime:
            command = [NODE, _NPM, "ci", "--loglevel=error"]
            subprocess.run(command, cwd=FOLDER, env=_environment(), stdout=sys.stderr, check=True)
            _INSTALLED.touch()


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
