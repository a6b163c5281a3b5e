"""A PostgreSQL database that went back, with real servers: what was issued before is void, and sessions go on."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import StartServer
from tests.support.databases import run_on_server
from tests.support.postgres_cluster import Cluster, binaries, cluster
from tests.support.waiting import until
from tests.support.went_back import CONNECTIONS, Round, Server

pytestmark = [pytest.mark.postgres, pytest.mark.uncounted]


def program(name: str, url: str, *arguments: object) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    command = [str(binaries() / name), *map(str, arguments), "-d", plain]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def a_new_database_from_a_dump(server: Server, dump: Path, people: Round, number: int) -> None:
    program("pg_dump", server.url, "-Fc", "-f", dump)
    people.after_the_backup(number)
    server.stop()
    name = make_url(server.url).database
    other = make_url(server.url).set(database="postgres").render_as_string(hide_password=False)
    run_on_server(other, f'DROP DATABASE "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    program("pg_restore", server.url, dump)
    server.start()


def a_dump_restored_under_the_server(server: Server, dump: Path, people: Round, number: int) -> None:
    program("pg_dump", server.url, "-Fc", "-f", dump)
    people.after_the_backup(number)
    program("pg_restore", server.url, "--clean", "--if-exists", "--single-transaction", dump)


WAYS = [a_new_database_from_a_dump, a_dump_restored_under_the_server]
DumpWay = Callable[[Server, Path, Round, int], None]


def goes_back(way: DumpWay, server: Server, dump: Path, number: int) -> None:
    people = Round(server)
    way(server, dump, people, number)
    people.revoked_stays_revoked()
    people.log_outs_work()
    people.everything_holds()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_after_a_restore_what_was_issued_before_is_void(
    way: DumpWay, postgres: str, start_server: StartServer, tmp_path: Path
) -> None:
    goes_back(way, Server(start_server, postgres), tmp_path / "dump", 2)


@pytest.mark.attacks
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_so_it_is_twenty_times(way: DumpWay, postgres: str, start_server: StartServer, tmp_path: Path) -> None:
    server = Server(start_server, postgres)
    for number in range(20):
        goes_back(way, server, tmp_path / f"dump{number}", number)


@pytest.fixture
def primary() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


def fails_over(server: Server, primary: Cluster, number: int, others: int) -> Cluster:
    """The standby loses touch, the primary goes on and is lost, the standby takes its place under its address."""
    people = Round(server)
    standby = primary.standby(f"standby{number}")
    standby.stop()
    people.after_the_backup(others)
    primary.stop("immediate")
    standby.port = primary.port
    standby.start()
    standby.promote()
    people.revoked_stays_revoked()
    people.log_outs_work()
    people.everything_holds()
    return standby


def goes_back_in_time(server: Server, primary: Cluster, number: int, others: int) -> Cluster:
    """Point-in-time recovery, to the end of a base backup."""
    people = Round(server)
    backup = primary.copy(f"backup{number}")
    people.after_the_backup(others)
    primary.stop()
    settings = "restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n"
    (backup.data / "postgresql.auto.conf").write_text(settings)
    (backup.data / "recovery.signal").touch()
    backup.start()
    until(lambda: backup.query("SELECT pg_is_in_recovery()") == "f")
    people.revoked_stays_revoked()
    people.log_outs_work()
    people.everything_holds()
    return backup


SUCCESSORS = [fails_over, goes_back_in_time]
Successor = Callable[[Server, Cluster, int, int], Cluster]


@pytest.mark.parametrize("successor", SUCCESSORS, ids=lambda successor: successor.__name__)
def test_a_successor_that_lacks_commits_is_recognised(
    successor: Successor, primary: Cluster, start_server: StartServer
) -> None:
    server = Server(start_server, primary.url)
    primary = successor(server, primary, 0, 3)
    server.stop()
    server.start()
    server.register("zoe")
    tokens = server.log_in("zoe")
    assert server.accepted(tokens) == CONNECTIONS


@pytest.mark.attacks
@pytest.mark.parametrize("successor", SUCCESSORS, ids=lambda successor: successor.__name__)
def test_so_is_each_of_twenty(successor: Successor, primary: Cluster, start_server: StartServer) -> None:
    server = Server(start_server, primary.url)
    for number in range(20):
        primary = successor(server, primary, number, 3 * number)


def crash_of_postgres(server: Server, primary: Cluster) -> None:
    primary.stop("immediate")
    primary.start()
    until(lambda: server.call("GET", "/readyz").status_code == 200)


def restart_of_postgres(server: Server, primary: Cluster) -> None:
    primary.stop()
    primary.start()
    until(lambda: server.call("GET", "/readyz").status_code == 200)


def restart(server: Server, _primary: Cluster) -> None:
    server.stop()
    server.start()


def vacuum(_server: Server, primary: Cluster) -> None:
    primary.query("VACUUM (FULL, FREEZE)")


@pytest.mark.parametrize(
    "event", [crash_of_postgres, restart_of_postgres, restart, vacuum], ids=lambda event: event.__name__
)
def test_tokens_stay_valid_through(
    event: Callable[[Server, Cluster], None], primary: Cluster, start_server: StartServer
) -> None:
    server, another = Server(start_server, primary.url), Server(start_server, primary.url, workers=1)
    server.register("ada")
    tokens, ended = server.log_in("ada"), server.log_in("ada")
    server.log_out(ended)
    for _ in range(2):
        event(server, primary)
        for one in (server, another):
            assert one.accepted(tokens) == CONNECTIONS
            assert one.accepted(ended) == 0
    server.log_out(tokens)
    for one in (server, another):
        assert one.accepted(tokens) == 0
        assert one.lines() == 0, one.printed()
