"""What a process has used, as the kernel counts it (Linux, /proc)."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """`cpu_seconds` since the process started; `memory_mib` is what is resident now."""

    cpu_seconds: float
    memory_mib: float


def usage(pid: int) -> Usage:
    """Raises FileNotFoundError for a process that is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return Usage((int(fields[11]) + int(fields[12])) / TICKS_A_SECOND, int(resident.split()[1]) / 1024)
