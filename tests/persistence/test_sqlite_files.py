"""Files of an open database that are removed, moved or replaced: nothing is acknowledged and lost."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ostiary.persistence.database import Database
from ostiary.persistence.fitness import UnfitDatabase
from ostiary.persistence.local_reader import LocalReader
from ostiary.persistence.migrate import migrate
from tests.persistence.conftest import ids, insert, opened, run, unavailable

MESSAGE = "removed, moved or replaced under the running server"


def remove_all(file: Path) -> None:
    for one in file.parent.glob("ostiary.db*"):
        one.unlink()


def remove_folder(file: Path) -> None:
    shutil.rmtree(file.parent)


def move(file: Path) -> None:
    file.rename(file.with_name("moved.db"))


def move_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def replace(file: Path) -> None:
    shutil.copy(file, file.with_name("backup.db"))
    file.with_name("backup.db").rename(file)


def replace_by_nothing(file: Path) -> None:
    file.unlink()
    file.touch()


def remove_side(side: str) -> Callable[[Path], None]:
    def remove(file: Path) -> None:
        Path(f"{file}{side}").unlink()

    remove.__name__ = f"remove{side}"
    return remove


DAMAGES = [
    remove_all,
    remove_folder,
    move,
    move_folder,
    replace,
    replace_by_nothing,
    remove_side("-wal"),
    remove_side("-shm"),
]


@pytest.fixture
def file(sqlite_url: str, tmp_path: Path) -> Path:
    """A database in a folder of its own."""
    (tmp_path / "data").mkdir()
    return Path(shutil.copy(tmp_path / "ostiary.db", tmp_path / "data"))


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_nothing_is_written_and_the_server_is_not_ready(file: Path, damage: Callable[[Path], None]) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1))
        assert await ids(database) == [1]
        damage(file)
        with capture_logs() as logs:
            for number in (2, 3):
                await unavailable(database.write(insert(number)))
                await unavailable(database.ping())
            deferred = database.defer_commit()
            with deferred.in_force():
                await database.write(insert(4))
            await unavailable(deferred.commit(insert(5)))
        (line,) = [entry for entry in logs if MESSAGE in entry["event"]]
        assert line["file"].startswith(str(file))
        assert await ids(database) == [1]  # what was opened is whole

    run(url_of(file), scenario)
    assert damage in (remove_all, remove_folder, move, move_folder) or file.exists()
    if damage in (remove_all, move):
        assert not file.exists()  # and none was made in its place


def test_a_connection_that_is_opened_later_does_not_read_another_file(file: Path) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1))
        replace(file)
        await unavailable(ids(database))
        with pytest.raises(sqlite3.OperationalError, match="another file"):
            LocalReader(database.url, database.files).rows("SELECT 1")

    run(url_of(file), scenario)


def test_a_file_that_is_put_back_is_written_again(file: Path) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1))
        move(file)
        await unavailable(database.write(insert(2)))
        file.with_name("moved.db").rename(file)
        with capture_logs() as logs:
            await database.write(insert(2))
        assert [entry["event"] for entry in logs] == ["the database's files are back"]
        await database.ping()
        assert await ids(database) == [1, 2]

    run(url_of(file), scenario)


def test_a_copy_in_place_and_a_vacuum_change_no_file(file: Path) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1))
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        await database.write(insert(2))
        await database.ping()

    run(url_of(file), scenario)


def test_no_file_is_made_after_the_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(url_of(tmp_path / "none.db")) as database:
            await unavailable(database.ping())
            await unavailable(database.write(insert(1)))

    asyncio.run(scenario())
    assert not (tmp_path / "none.db").exists()


def test_a_start_says_that_it_makes_a_new_database(tmp_path: Path) -> None:
    with capture_logs() as logs:
        asyncio.run(migrate(url_of(tmp_path / "new.db"), 10))
        asyncio.run(migrate(url_of(tmp_path / "new.db"), 10))
    assert [entry["file"] for entry in logs if "new, empty" in entry["event"]] == [str(tmp_path / "new.db")]


@pytest.mark.parametrize("side", ["-wal", "-feed"])
def test_a_start_makes_none_where_one_has_been(tmp_path: Path, side: str) -> None:
    file = tmp_path / "gone.db"
    Path(f"{file}{side}").touch()
    with pytest.raises(UnfitDatabase, match=r"gone\.db is gone"):
        asyncio.run(migrate(url_of(file), 10))
    assert not file.exists()


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "utf16.db")
    other.execute("PRAGMA encoding = 'UTF-16le'")
    other.execute("CREATE TABLE other (id)")
    other.close()
    with pytest.raises(UnfitDatabase, match="UTF-16le"):
        asyncio.run(migrate(url_of(tmp_path / "utf16.db"), 10))


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but it is long enough" * 100)
    with pytest.raises(UnfitDatabase, match="not a database"):
        asyncio.run(migrate(url_of(tmp_path / "text.db"), 10))


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.persistence.fitness.MIN_SQLITE", (99, 0, 0))
    with pytest.raises(UnfitDatabase, match="too old"):
        asyncio.run(migrate(url_of(tmp_path / "new.db"), 10))


def test_after_a_refused_write_the_server_is_ready_when_a_write_succeeds(file: Path) -> None:
    async def scenario(database: Database) -> None:
        await database.write(insert(1))
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await unavailable(database.write(insert(2)))
        await unavailable(database.ping())  # reading alone would succeed
        other.execute("ROLLBACK")
        other.close()
        await database.ping()

    run(url_of(file), scenario, timeout=0.3)
