"""A PgBouncer in front of the PostgreSQL server that the tests share."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy.engine import make_url

from tests.support.postgres_cluster import free_port
from tests.support.programs import program
from tests.support.waiting import until

CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
"""


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def pgbouncer(url: str, mode: Literal["session", "transaction"], size: int) -> Iterator[str]:
    """The same database at the address of a pooler with `size` connections to the server."""
    address = make_url(url)
    own = free_port()
    folder = Path(tempfile.mkdtemp(prefix="ostiary-pgbouncer-"))
    (folder / "users").write_text(f'"{address.username}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        CONFIGURATION.format(host=address.host, port=address.port or 5432, own=own, folder=folder, mode=mode, size=size)
    )
    as_other: list[str] = []
    if os.geteuid() == 0:  # as whom it does not run
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "postgres")
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    process = subprocess.Popen(
        [*as_other, program("pgbouncer"), "-q", str(folder / "pgbouncer.ini")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        until(lambda: process.poll() is not None or _answers(own))
        assert process.poll() is None, "PgBouncer did not start"
        yield address.set(drivername="postgresql", host="127.0.0.1", port=own).render_as_string(hide_password=False)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
