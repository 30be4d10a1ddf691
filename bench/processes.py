"""What a program under test uses, with every process it started."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def processor(pid: int) -> float:
    """Seconds of processor time so far, of those that run."""
    used = 0
    for each in _family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICKS


def memory(pid: int) -> int:
    """MB now; what several processes share is counted once."""
    kept = 0
    for each in _family(pid):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        kept += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kept // 1024
