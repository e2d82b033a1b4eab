"""A share of a core, as Lambda gives a function for its memory: 1,769 MB buy one.

docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MEGABYTES_OF_A_CORE = 1_769
_PERIOD_MICROSECONDS = 20_000
_ROOT = Path("/sys/fs/cgroup")


class CpuShare:
    def __init__(self, group: Path) -> None:
        self._group = group

    def add(self, process_id: int) -> None:
        (self._group / "cgroup.procs").write_text(str(process_id))


@contextmanager
def cpu_share(memory_megabytes: int) -> Generator[CpuShare]:
    """Needs a control group that this user may write to (root's, in most containers). Raises `OSError` without one."""
    quota = int(_PERIOD_MICROSECONDS * memory_megabytes / MEGABYTES_OF_A_CORE)
    is_unified = (_ROOT / "cgroup.controllers").exists()
    group = _ROOT / ("" if is_unified else "cpu") / f"cold-{os.getpid()}-{memory_megabytes}"
    if is_unified:
        (_ROOT / "cgroup.subtree_control").write_text("+cpu")
    group.mkdir()
    try:
        if is_unified:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_MICROSECONDS}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        yield CpuShare(group)
    finally:
        group.rmdir()
