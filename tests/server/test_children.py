"""Processes that the server did not start, and that become its children, are reaped and passed over."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server.conftest import Start
from tests.support.raw_http import get
from tests.support.servers import children
from tests.support.waiting import until

IS_ROOT = os.geteuid() == 0
NEW_NAMESPACE = ["unshare", *([] if IS_ROOT else ["--user", "--map-root-user"]), "--pid", "--fork", "--mount-proc"]
ENTER = ["nsenter", *([] if IS_ROOT else ["--user", "--preserve-credentials"]), "--pid", "--mount"]
WORKERS = pytest.mark.parametrize("workers", [1, 2])


def _listed(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@WORKERS
def test_a_background_job_of_the_script_that_started_it_ends_unnoticed(serve: Start, workers: int) -> None:
    script = 'sleep 600 & echo "job $!"; exec "$@"'
    server = serve("--workers", str(workers), through=["sh", "-c", script, "sh"])
    job = int(server.output.partition("job ")[2].split()[0])
    before = children(server)
    assert job in before

    os.kill(job, signal.SIGTERM)

    until(lambda: children(server) == before - {job})
    assert len(children(server)) == workers
    assert get(server.url, "/sleep/0.0") == "slept"
    assert server.stop() == 0
    assert "Traceback" not in server.output


@WORKERS
def test_orphans_that_a_container_hands_to_process_1_are_reaped(serve: Start, workers: int) -> None:
    server = serve("--workers", str(workers), through=NEW_NAMESPACE)
    (first,) = children(server)  # process 1 of its namespace
    before = _listed(first)
    assert len(before) == workers

    orphans = "(sleep 600 &); (sleep 600 &)"
    subprocess.run([*ENTER, "--target", str(first), "sh", "-c", orphans], check=True, timeout=30)
    handed = until(lambda: _listed(first) - before)
    assert len(handed) == 2
    for orphan in handed:
        os.kill(orphan, signal.SIGKILL)

    until(lambda: _listed(first) == before)
    assert get(server.url, "/sleep/0.0") == "slept"
    os.kill(first, signal.SIGTERM)
    assert server.process.wait(30) == 0
    assert "Traceback" not in server.output
