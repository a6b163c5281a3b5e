"""An SQLite database that went back, with real servers: what was issued before is void, and sessions go on."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ostiary.features.revocation.on_sqlite import LOOK_ANYWAY
from ostiary.persistence.feed_file import FeedFile
from tests.conftest import StartServer
from tests.support.servers import environment_without_settings
from tests.support.waiting import until
from tests.support.went_back import CONNECTIONS, Round, Server, remove

pytestmark = pytest.mark.uncounted

Way = Callable[[Server, Path, Round, int], None]


def copied(source: Path, target: Path) -> None:
    """What `.backup` and `.restore` of the sqlite3 command do, also under a running server."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target, timeout=20)) as other:
        one.backup(other)


def ostiary(url: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**environment_without_settings(), "OSTIARY_DATABASE_URL": url, "OSTIARY_SECRET_KEY": "s3cret" * 9}
    command = [sys.executable, "-m", "ostiary.cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def a_file_put_in_place(server: Server, file: Path, people: Round, number: int) -> None:
    backup = file.with_name(f"backup{number}.db")
    copied(file, backup)
    people.after_the_backup(number)
    server.stop()
    remove(file, "-wal", "-shm")
    shutil.copyfile(backup, file)
    server.start()


def a_file_put_in_place_after_a_crash(server: Server, file: Path, people: Round, number: int) -> None:
    backup = file.with_name(f"backup{number}.db")
    copied(file, backup)
    people.after_the_backup(number)
    server.kill()
    remove(file, "-wal", "-shm", "-feed")
    shutil.copyfile(backup, file)
    server.start()


def a_restore_into_the_open_file(server: Server, file: Path, people: Round, number: int) -> None:
    backup = file.with_name(f"backup{number}.db")
    copied(file, backup)
    people.after_the_backup(number)
    copied(backup, file)


def a_folder_copied_back(server: Server, file: Path, people: Round, number: int) -> None:
    """All files of one moment: none contradicts another."""
    backup = file.parent.with_name(f"folder{number}")
    server.stop()
    subprocess.run(["cp", "-a", file.parent, backup], check=True)
    server.start()
    people.lines = server.lines()
    people.after_the_backup(number)
    server.stop()
    if number % 2:  # over the files that are there, which keep their inodes
        subprocess.run(["cp", "-a", f"{backup}/.", file.parent], check=True)
    else:
        shutil.rmtree(file.parent)
        subprocess.run(["cp", "-a", backup, file.parent], check=True)
    server.start()


def the_commands(server: Server, file: Path, people: Round, number: int) -> None:
    backup = file.with_name(f"backup{number}.db")
    made = ostiary(server.url, "backup", backup)
    assert made.returncode == 0, made.stderr
    people.after_the_backup(number)
    server.stop()
    restored = ostiary(server.url, "restore", backup)
    assert restored.returncode == 0, restored.stderr
    server.start()


WAYS = [
    a_file_put_in_place,
    a_file_put_in_place_after_a_crash,
    a_restore_into_the_open_file,
    a_folder_copied_back,
    the_commands,
]


@pytest.fixture
def server(sqlite_url: str, tmp_path: Path, start_server: StartServer) -> Server:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.move(make_url(sqlite_url).database or "", folder / "ostiary.db")
    return Server(start_server, f"sqlite+aiosqlite:///{folder / 'ostiary.db'}")


def file_of(server: Server) -> Path:
    return Path(make_url(server.url).database or "")


def goes_back(way: Way, server: Server, number: int) -> None:
    people = Round(server)
    way(server, file_of(server), people, number)
    people.revoked_stays_revoked()
    people.log_outs_work()
    people.everything_holds()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_was_issued_before_is_void_and_sessions_go_on(way: Way, server: Server) -> None:
    goes_back(way, server, 2)


def test_files_copied_over_those_that_are_there_are_recognised(server: Server) -> None:
    goes_back(a_folder_copied_back, server, 1)


@pytest.mark.attacks
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_so_it_is_twenty_times(way: Way, server: Server) -> None:
    for number in range(20):
        goes_back(way, server, number)


def restart(server: Server) -> None:
    server.stop()
    server.start()


def crash(server: Server) -> None:
    server.kill()
    server.start()


def renew_the_workers(server: Server) -> None:
    before = server.process.output.count("worker")
    os.kill(server.process.process.pid, signal.SIGHUP)
    until(lambda: server.process.output.count("worker") > before)


def vacuum(server: Server) -> None:
    with closing(sqlite3.connect(file_of(server), isolation_level=None, timeout=20)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def move_the_folder(server: Server) -> None:
    server.stop()
    folder = file_of(server).parent
    folder.rename(folder.with_name("elsewhere"))
    folder.with_name("elsewhere").rename(folder)
    server.start()


def announce_and_die(server: Server) -> None:
    """A worker that was killed between what it announced and its commit."""
    server.kill()
    feed = FeedFile(Path(f"{file_of(server)}-feed"), file_of(server))
    feed.announce((feed.announced.get() or 0) + 3)
    feed.announced.close()
    server.start()


def remove_the_feed_file(server: Server) -> None:
    remove(file_of(server), "-feed")
    server.log_out(server.log_in("ada"))
    time.sleep(1.5 * LOOK_ANYWAY)  # a worker may still read the file that was removed


@pytest.mark.parametrize(
    "event",
    [restart, crash, renew_the_workers, vacuum, move_the_folder, announce_and_die, remove_the_feed_file],
    ids=lambda event: event.__name__,
)
def test_tokens_stay_valid_through(event: Callable[[Server], None], server: Server) -> None:
    server.register("ada")
    tokens, ended = server.log_in("ada"), server.log_in("ada")
    server.log_out(ended)
    for _ in range(2):
        event(server)
        assert server.accepted(tokens) == CONNECTIONS
        assert server.accepted(ended) == 0
    server.log_out(tokens)
    assert server.accepted(tokens) == 0
    assert server.lines() == 0, server.printed()
