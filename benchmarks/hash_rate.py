"""The argon2 verifications that this machine does in a second: `python -m benchmarks.hash_rate SECONDS`.

One plain process, one thread for each core, nothing else: the upper bound of any server's logins in a second.
"""

import json
import os
import sys
import threading
import time

from argon2 import PasswordHasher

MEMORY_KIB, PASSES, LANES = 19456, 2, 1
"""Ostiary's defaults in production, an OWASP minimum."""


def measure(seconds: float) -> dict[str, float]:
    """Return `rate`, verifications per second, over about `seconds`, and `cpu`, the milliseconds of CPU of each."""
    hasher = PasswordHasher(memory_cost=MEMORY_KIB, time_cost=PASSES, parallelism=LANES)
    stored = hasher.hash("correct horse battery staple")
    rates: list[float] = []
    counts: list[int] = []
    ready = threading.Barrier(os.cpu_count() or 1)

    def verify() -> None:
        hasher.verify(stored, "correct horse battery staple")
        ready.wait()
        began = now = time.perf_counter()
        count = 0
        while now - began < seconds:
            hasher.verify(stored, "correct horse battery staple")
            count += 1
            now = time.perf_counter()
        rates.append(count / (now - began))
        counts.append(count + 1)  # the CPU time has the one before the barrier too

    threads = [threading.Thread(target=verify) for _ in range(ready.parties)]
    cpu_before = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"rate": sum(rates), "cpu": (time.process_time() - cpu_before) / sum(counts) * 1000}


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
