"""What Linux tells about a server's processes: CPU time, memory, connections."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
ESTABLISHED = "01"


@dataclass(frozen=True)
class Memory:
    """MiB in use by a server's processes together. rss counts shared pages in each, pss shares them out."""

    rss: float
    pss: float

    def peak(self, other: "Memory") -> "Memory":
        """Return the larger of each."""
        return Memory(max(self.rss, other.rss), max(self.pss, other.pss))


def tree(root: int) -> list[int]:
    """Return the process ids of `root` and of all its descendants, `root` first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for process in found:
        found.extend(sorted(children.get(process, [])))
    return found


def cpu_seconds(processes: list[int]) -> float:
    """Return the CPU time that `processes` have used so far, user and system, in seconds."""
    ticks = 0
    for process in processes:
        fields = _stat(process)
        if fields:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def memory(processes: list[int]) -> Memory:
    """Return the memory that `processes` hold at this moment."""
    sums = {"Rss:": 0, "Pss:": 0}
    for process in processes:
        try:
            lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended
            continue
        for line in lines:
            name, _, rest = line.partition(" ")
            if name in sums:
                sums[name] += int(rest.split()[0])
    return Memory(rss=sums["Rss:"] / 1024, pss=sums["Pss:"] / 1024)


def resident(processes: list[int]) -> float:
    """Return the MiB that `processes` hold in memory, what they share counted for each.

    Cheap enough to ask while others are measured: `memory` has the kernel walk all pages, and the process wait.
    """
    pages = 0
    for process in processes:
        try:
            pages += int((PROC / str(process) / "statm").read_text().split()[1])
        except OSError:  # it has ended
            continue
    return pages * PAGE_BYTES / 2**20


def connections(processes: list[int], port: int) -> dict[int, int]:
    """Return how many established connections to local TCP `port` each of `processes` holds."""
    inodes = _established(processes[0], port)
    return {process: len(inodes & _sockets(process)) for process in processes}


def _stat(process: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from `state` on; empty when the process has ended."""
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _established(process: int, port: int) -> set[str]:
    inodes: set[str] = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (PROC / str(process) / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == ESTABLISHED and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _sockets(process: int) -> set[str]:
    found: set[str] = set()
    try:
        for link in (PROC / str(process) / "fd").iterdir():
            found.add(str(link.readlink()))
    except OSError:  # the process, or one of its files, has just gone
        pass
    return found
