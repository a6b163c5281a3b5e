"""The attackers, a process of their own: `python -m benchmarks.hostile.attack_process FILE` prints a tally as JSON."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.hostile.attacker import Attacker, Tally
from benchmarks.hostile.attacks import KINDS, Kind

OPENING = 300
"""Connections opened at a time, so that the listen queue takes them all."""


@dataclass
class Attackers:
    """All connections of one attack."""

    described: dict[str, Any]
    end: float
    tally: Tally = field(default_factory=Tally)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OPENING))

    async def one(self, kind: Kind, number: int) -> None:
        """Attack over one connection after the other."""
        local = f"127.0.0.{2 + number % kind.addresses}"  # never the quiet client's
        address = (self.described["host"], self.described["port"])
        while asyncio.get_running_loop().time() < self.end:
            attacker = Attacker(address, local, self.described["token"], self.tally, self.end)
            try:
                async with self.gate:
                    await attacker.open()
            except (OSError, TimeoutError):
                await asyncio.sleep(0.2)
                continue
            try:
                await kind.run(attacker)
            except (OSError, EOFError, TimeoutError):
                await asyncio.sleep(0.01)
            finally:
                attacker.close()


async def attack(described: dict[str, Any]) -> Tally:
    """Attack as described and return the tally."""
    kind = KINDS[described["kind"]]
    attackers = Attackers(described, asyncio.get_running_loop().time() + described["seconds"])
    await asyncio.gather(*(attackers.one(kind, number) for number in range(kind.connections)))
    return attackers.tally


def main() -> None:
    """Read the description, attack with little claim to the processor, print."""
    os.nice(15)  # real attackers have machines of their own
    print(json.dumps(vars(asyncio.run(attack(json.loads(Path(sys.argv[1]).read_text()))))))


if __name__ == "__main__":
    main()
