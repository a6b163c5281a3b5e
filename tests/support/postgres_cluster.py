"""PostgreSQL servers of a test's own: what is done to them must not be done to the one that all tests share."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.certificates import Certificate
from tests.support.databases import needed_postgres_url

OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB -c max_wal_size=128MB"


def binaries() -> Path:
    """The folder of initdb and pg_ctl: that of Debian's packages, or of the PATH."""
    needed_postgres_url()  # where tests for PostgreSQL are left out, these are too
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    on_path = shutil.which("pg_ctl")
    assert on_path is not None, "PostgreSQL's server programs are needed: apt-get install postgresql"
    return Path(on_path).parent


def run(program: str, *arguments: object) -> str:
    """Run one of PostgreSQL's programs, as the user postgres if this is root, who may not."""
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [*as_postgres, str(binaries() / program), *map(str, arguments)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd="/", timeout=120
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Cluster:
    """One server in the folder `data`."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c unix_socket_directories={self.data.parent} {OPTIONS}"
        log = self.data.parent / f"{self.data.name}.log"
        run("pg_ctl", "-D", self.data, "-w", "-l", log, "-o", options, "start")

    @property
    def sockets(self) -> Path:
        """The folder of its Unix sockets."""
        return self.data.parent

    def demand_tls(self, made: Certificate, *access: str) -> None:
        """Take connections over TCP with TLS alone from the next start on; `access`: earlier lines of pg_hba.conf.

        Client certificates are those that `made` has signed, which is its own authority.
        """
        for name, source in (("server.crt", made.certificate), ("server.key", made.key)):
            shutil.copy(source, self.data / name)
            (self.data / name).chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(self.data / name, "postgres")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\nssl_ca_file = 'server.crt'\n")
        lines = [*access, "local all all trust", "hostssl all all 127.0.0.1/32 trust"]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")

    def stop(self, mode: str = "fast") -> None:
        run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def promote(self) -> None:
        run("pg_ctl", "-D", self.data, "-w", "promote")

    def copy(self, name: str, *options: str) -> "Cluster":
        """A copy of the running server as it is now, which is to take its place."""
        data = self.data.with_name(name)
        run("pg_basebackup", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-c", "fast", "-D", data, *options)
        return Cluster(data, self.port)

    def query(self, statement: str) -> str:
        return run("psql", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-Atc", statement, "postgres").strip()

    def standby(self, name: str) -> "Cluster":
        """A standby that follows, on a port of its own, and has caught up."""
        standby = self.copy(name, "-R")
        standby.port = free_port()
        standby.start()
        until = time.monotonic() + 30
        while self.query("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()") != "1":
            assert time.monotonic() < until, "the standby does not follow"
            time.sleep(0.05)
        return standby


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server, stopped in the end with all that was started from copies of it."""
    folder = Path(tempfile.mkdtemp(prefix="ostiary-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(_stop_all, folder)
        made = Cluster(folder / "primary", free_port())
        run("initdb", "-D", made.data, "-A", "trust", "-U", "postgres", "-N")
        made.start()
        yield made


def _stop_all(folder: Path) -> None:
    for running in folder.glob("*/postmaster.pid"):
        run("pg_ctl", "-D", running.parent, "-w", "-m", "immediate", "stop")
