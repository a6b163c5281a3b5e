"""Migrations: the models as they are, one history, all or nothing, never backwards."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ostiary.features import FEATURES
from ostiary.persistence import migrate as module
from ostiary.persistence.base import Base
from ostiary.persistence.database import Database
from ostiary.persistence.migrate import NewerDatabase, migrate
from ostiary.persistence.transaction import Transaction
from tests.persistence.conftest import opened, unavailable

LATER = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{newest}"


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO later (id) VALUES (1)")
    {then}
"""


@pytest.fixture
def later(newest_revisions: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Add a revision that makes the table `later` and then does what it is told: later("...")."""
    copy = tmp_path / "migrations"
    shutil.copytree(module.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "MIGRATIONS", copy)

    def add(then: str) -> None:
        file = copy / "versions" / "later.py"
        shutil.rmtree(copy / "versions" / "__pycache__", ignore_errors=True)
        file.write_text(LATER.format(newest=newest_revisions[-1], then=then))

    return add


def inspected(url: str, question: Any) -> Any:
    async def within() -> Any:
        async with opened(url) as database, database.engine.connect() as connection:
            return await connection.run_sync(question)

    return asyncio.run(within())


def tables(url: str) -> set[str]:
    return set(inspected(url, lambda connection: sa.inspect(connection).get_table_names()))


def revision(url: str) -> str | None:
    found: str | None = inspected(url, lambda connection: MigrationContext.configure(connection).get_current_revision())
    return found


def test_the_models_are_the_migrated_schema(database_url: str) -> None:
    assert FEATURES  # which has imported all models

    def difference(connection: sa.Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, Base.metadata)

    assert inspected(database_url, difference) == []


def test_every_constraint_has_the_name_that_the_models_give_it(database_url: str) -> None:
    def is_nameless(table: sa.Table) -> bool:
        """SQLite's keys that count up are part of their column, where SQLAlchemy gives them no name."""
        return database_url.startswith("sqlite") and bool(table.dialect_options["sqlite"]["autoincrement"])

    def names(connection: sa.Connection) -> set[Any]:
        found = set()
        for table in Base.metadata.tables:
            look = sa.inspect(connection)
            if not is_nameless(Base.metadata.tables[table]):
                found |= {look.get_pk_constraint(table)["name"]}
            found |= {one["name"] for one in look.get_unique_constraints(table)}
            found |= {one["name"] for one in look.get_foreign_keys(table)}
        return found

    declared = {
        constraint.name
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if not isinstance(constraint, sa.CheckConstraint)
        and not (isinstance(constraint, sa.PrimaryKeyConstraint) and is_nameless(table))
    }
    assert inspected(database_url, names) == {str(name) for name in declared}


def test_there_is_one_linear_history(newest_revisions: list[str]) -> None:
    script = ScriptDirectory(str(module.MIGRATIONS))
    walked = list(script.walk_revisions())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert not [one for one in walked if one.is_branch_point or one.is_merge_point]
    assert len(walked) == len(newest_revisions)


def test_an_empty_database_gets_everything_and_a_second_time_nothing(
    empty_database_url: str, newest_revisions: list[str]
) -> None:
    assert asyncio.run(migrate(empty_database_url, 10)) == newest_revisions
    assert tables(empty_database_url) == {*Base.metadata.tables, "alembic_version"}
    assert asyncio.run(migrate(empty_database_url, 10)) == []
    assert revision(empty_database_url) == newest_revisions[-1]


def test_what_is_missing_is_added_and_what_is_there_stays(database_url: str, later: Any) -> None:
    async def user(tx: Transaction) -> None:
        await tx.session.execute(
            sa.text(
                "INSERT INTO users (id, username, username_key, password_hash, created_at) VALUES ("
                "'id', 'user1', 'user1', 'hash', '2026-11-23 12:00:00+00:00')"
            )
        )

    async def write() -> None:
        async with opened(database_url) as database:
            await database.write(user)

    asyncio.run(write())
    later("pass")
    assert asyncio.run(migrate(database_url, 10)) == ["later"]
    assert "later" in tables(database_url)
    assert (
        inspected(database_url, lambda connection: connection.scalar(sa.text("SELECT username FROM users"))) == "user1"
    )


@pytest.mark.parametrize("trouble", ['op.execute("SELECT nothing FROM nowhere")', 'raise LookupError("broken")'])
def test_a_migration_that_fails_leaves_the_old_schema(
    database_url: str, later: Any, newest_revisions: list[str], trouble: str
) -> None:
    before = tables(database_url)
    later(trouble)
    with pytest.raises(Exception, match=r"nowhere|cannot be reached|broken"):
        asyncio.run(migrate(database_url, 10))
    assert tables(database_url) == before
    assert revision(database_url) == newest_revisions[-1]
    later("pass")
    assert asyncio.run(migrate(database_url, 10)) == ["later"]
    assert "later" in tables(database_url)


def test_a_first_migration_that_fails_leaves_nothing(empty_database_url: str, later: Any) -> None:
    later('raise LookupError("broken")')
    with pytest.raises(LookupError):
        asyncio.run(migrate(empty_database_url, 10))
    assert tables(empty_database_url) == set()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database_url: str, later: Any) -> None:
    later("pass")
    asyncio.run(migrate(database_url, 10))
    (module.MIGRATIONS / "versions" / "later.py").unlink()
    with pytest.raises(NewerDatabase, match=r"revision 'later'.*a newer version has used it"):
        asyncio.run(migrate(database_url, 10))
    assert revision(database_url) == "later"


async def hold_the_lock(database: Database, held: asyncio.Event, let_go: asyncio.Event) -> None:
    async with database._writer.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({module._LOCK_KEY})"))
        held.set()
        await let_go.wait()


def test_another_process_that_migrates_is_waited_for(empty_database_url: str, newest_revisions: list[str]) -> None:
    async def scenario() -> None:
        held, let_go = asyncio.Event(), asyncio.Event()
        async with opened(empty_database_url) as other:
            holder = asyncio.create_task(hold_the_lock(other, held, let_go))
            await held.wait()
            migrating = asyncio.create_task(migrate(empty_database_url, 10))
            await asyncio.sleep(0.2)
            assert not migrating.done()
            let_go.set()
            await holder
            assert await migrating == newest_revisions

    asyncio.run(scenario())


def test_but_not_longer_than_it_is_told(empty_database_url: str) -> None:
    async def scenario() -> None:
        held, let_go = asyncio.Event(), asyncio.Event()
        async with opened(empty_database_url) as other:
            holder = asyncio.create_task(hold_the_lock(other, held, let_go))
            await held.wait()
            # Long enough for a connection to be made on a busy machine.
            await unavailable(migrate(empty_database_url, 1))
            let_go.set()
            await holder

    asyncio.run(scenario())
