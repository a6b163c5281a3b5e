"""User names on the way through the API: trimmed, and not like another's, in races and in old databases too."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text

from ostiary.core.problems import Problem
from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.service import Accounts
from ostiary.persistence.database import Database
from ostiary.persistence.migrate import MIGRATIONS, migrate
from ostiary.persistence.transaction import Transaction
from tests.conftest import App
from tests.support.people import PASSWORD, log_in, person

CYRILLIC = "\u0441\u043e\u0441\u043e"
"""It looks like `coco`."""


def register(app: App, username: str) -> Any:
    return app.client.post("/register", json={"username": username, "password": PASSWORD})


def test_a_name_that_looks_like_another_users_is_taken(app: App) -> None:
    assert register(app, "coco").status_code == 201
    answer = register(app, CYRILLIC)
    assert (answer.status_code, answer.json["code"]) == (409, "username_taken")
    assert register(app, CYRILLIC + "\u0432").status_code == 201


def test_it_is_taken_whichever_came_first_and_in_either_case(app: App) -> None:
    assert register(app, CYRILLIC.upper()).status_code == 201
    for name in ("coco", "COCO", "C0C0", CYRILLIC):
        assert register(app, name).json["code"] == "username_taken", name


@pytest.mark.parametrize("name", ["test\u043e1", "\u0430dmin2", "admin\U000e0100", "\u2800" * 4, "adm\U000f0000in"])
def test_what_nobody_can_tell_apart_is_refused_by_name(app: App, name: str) -> None:
    answer = register(app, name)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json["errors"]]) == (422, ["/username"])


def test_a_user_takes_no_name_that_looks_like_another_users(app: App) -> None:
    ada, coco = person(app, "ada"), person(app, "coco")

    def renamed(someone: Any, name: str) -> Any:
        return app.client.patch("/me", headers=someone.bearer, json={"username": name})

    assert renamed(ada, CYRILLIC).json["code"] == "username_taken"
    assert renamed(coco, CYRILLIC).json["username"] == CYRILLIC  # it looks like the user's own
    assert renamed(ada, "coco").json["code"] == "username_taken"
    assert renamed(coco, "bobo").json["username"] == "bobo"
    assert renamed(ada, "coco").json["username"] == "coco"


def test_of_names_that_look_the_same_and_come_at_once_one_is_registered(app: App) -> None:
    names = ["coco", CYRILLIC, "c0c0", CYRILLIC.upper()]
    hash_new = app.services.get(Accounts).hash_new
    arrived: list[str] = []

    async def scenario() -> list[str]:
        all_there = asyncio.Event()

        async def once_all_have_looked(password: str, username: str) -> str:
            arrived.append(username)
            if len(arrived) == len(names):
                all_there.set()
            await all_there.wait()
            return await hash_new(password, username)

        app.services.get(Accounts).hash_new = once_all_have_looked  # type: ignore[method-assign]
        return await asyncio.gather(*(outcome(app.services.get(Accounts).register(name, PASSWORD)) for name in names))

    assert Counter(app.run(scenario)) == {"registered": 1, "username_taken": 3}
    assert sorted(arrived) == sorted(names)


async def outcome(call: Awaitable[Any]) -> str:
    try:
        await call
    except Problem as problem:
        return problem.kind.code
    return "registered"


@pytest.mark.parametrize("around", ["{} ", " {}", "\t{}\n", "\u3000{}\u00a0"])
def test_white_space_around_a_name_is_left_out_everywhere(app: App, around: str) -> None:
    root = person(app, "root", ("admin",))
    assert register(app, around.format("space1")).json["user"]["username"] == "space1"
    log_in(app, around.format("space1"))
    log_in(app, "space1")
    found = app.client.get("/users", headers=root.bearer, query_string={"search": around.format("space1")})
    assert [user["username"] for user in found.json["users"]] == ["space1"]
    assert register(app, around.format("SPACE1")).json["code"] == "username_taken"
    renamed = app.client.patch("/me", headers=root.bearer, json={"username": around.format("root2")})
    assert renamed.json["username"] == "root2"


def test_a_long_name_logs_in_with_white_space_around_it(app: App) -> None:
    register(app, "a" * 64)
    log_in(app, " " + "a" * 64 + " ")


@pytest.mark.parametrize("name", ["\U0001f600" * 3, "admin\U000e0100", "test\u043e1", "\u00a8abc"])
def test_a_name_of_an_earlier_release_still_logs_in(app: App, name: str) -> None:
    app.run(app.services.get(Accounts).register, name, PASSWORD)  # which asks for no more than earlier releases did
    assert log_in(app, name).get("/me").json["username"] == name


def test_names_that_looked_the_same_before_are_kept_and_no_further_one_is_taken(app: App) -> None:
    users = {"coco": "1", CYRILLIC: "2", "c0c0": "3", "ada": "4"}
    database = app.services.database
    app.run(database.write, before_names)

    async def add(tx: Transaction) -> None:
        for name, user_id in users.items():
            await tx.session.execute(
                text(
                    "INSERT INTO users (id, username, username_key, password_hash, created_at) "
                    "VALUES (:id, :name, :name, 'hash', CURRENT_TIMESTAMP)"
                ),
                {"id": user_id, "name": name},
            )

    app.run(database.write, add)
    applied = asyncio.run(migrate(app.settings.effective_database_url, 30))
    assert "0010" in applied
    twins = app.run(found, database)
    assert {name: twin for name, _, twin in twins} == {"coco": 0, CYRILLIC: 1, "c0c0": 2, "ada": 0}
    assert len({skeleton for _, skeleton, _ in twins}) == 2
    assert register(app, "COC0").json["code"] == "username_taken"
    for gone in ("1", "3"):
        app.run(app.services.get(Accounts).delete_as_operator, gone)
        assert register(app, "COC0").json["code"] == "username_taken", "one who looks like it is left"
    app.run(app.services.get(Accounts).delete_as_operator, "2")
    assert register(app, "COC0").status_code == 201


async def before_names(tx: Transaction) -> None:
    """Take back what the migration 0010, and those after it, have done."""
    await tx.session.execute(text("DROP TABLE pending_logins"))
    await tx.session.execute(text("ALTER TABLE sessions DROP COLUMN amr"))
    await tx.session.execute(text("ALTER TABLE sessions DROP COLUMN acr"))
    await tx.session.execute(text("DROP TABLE feed_identity"))
    await tx.session.execute(text("ALTER TABLE revocations DROP COLUMN kept_session"))

    before = ScriptDirectory(str(MIGRATIONS)).get_revision("0010").down_revision

    def undo(connection: Connection) -> None:
        connection.exec_driver_sql("DROP INDEX ix_users_username_skeleton")
        connection.exec_driver_sql("ALTER TABLE users DROP COLUMN username_twin")
        connection.exec_driver_sql("ALTER TABLE users DROP COLUMN username_skeleton")
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})

    await (await tx.session.connection()).run_sync(undo)


async def found(database: Database) -> list[tuple[str, str | None, int]]:
    async with database.read() as session:
        columns = select(UserRow.username, UserRow.username_skeleton, UserRow.username_twin)
        return [(row[0], row[1], row[2]) for row in await session.execute(columns)]
