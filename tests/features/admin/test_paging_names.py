"""The list of users, page by page, over names of every plane of Unicode: what the server gives, it takes back."""

import pytest
from sqlalchemy import delete

from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.rules import username_key
from ostiary.persistence.transaction import Transaction
from tests.features.admin.conftest import Desk
from tests.support.people import PASSWORD

pytestmark = pytest.mark.uncounted  # the same code again with other names

PLANES = [chr(plane * 0x10000 + offset) for plane in range(17) for offset in (0x61, 0xA1B7, 0xFFFD)]
NAMES = [
    *(one * length for one in PLANES for length in (3, 64)),
    *(one * 64 for one in ("\ufdfa", "\ufdfb", "\u3316", "\U00020bb7", "\U0001f600", "ß", '"', "\\", "%", "&", "é")),
    "\ufdfa" * 8,
    "a" * 63 + "\U00020bb7",
]
SORTS = ["username", "-username", "created_at", "-created_at"]


def add_users(desk: Desk) -> list[str]:
    """Put users with these names into the database: what a name may be has changed over time, and will again."""
    keys = {username_key(name): name for name in NAMES}
    app = desk.who.app

    async def add(tx: Transaction) -> None:
        tx.session.add_all(
            UserRow(
                id=f"0199f6a2-6b7e-7c3a-8a51-{number:012x}",
                username=name,
                username_key=key,
                password_hash="none",
                created_at=app.clock.now(),
            )
            for number, (key, name) in enumerate(keys.items())
        )

    app.run(app.services.database.write, add)
    return ["root", *keys.values()]


def remove(desk: Desk, user_id: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.session.execute(delete(UserRow).where(UserRow.id == user_id))

    desk.who.app.run(desk.who.app.services.database.write, work)


def follow(desk: Desk, sort: str, limit: int, *, by_link: bool, deleting: bool) -> list[str]:
    """Return the names on all pages. deleting: the user whom a cursor names is gone before it is used."""
    found: list[str] = []
    address = f"/users?sort={sort}&limit={limit}"
    while True:
        answer = desk.call("GET", address)
        assert answer.status_code == 200, (answer.json, found[-1:])
        assert len(answer.request.query_string) < 4096
        users = answer.json["users"]
        found += [user["username"] for user in users]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            assert "Link" not in answer.headers
            return found
        if deleting and users[-1]["username"] != "root":
            remove(desk, users[-1]["id"])
        if by_link:
            address = "/users" + answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
        else:
            address = f"/users?sort={sort}&limit={limit}&cursor={cursor}"


@pytest.mark.parametrize("sort", SORTS)
def test_every_user_is_on_one_page(desk: Desk, sort: str) -> None:
    names = add_users(desk)
    for limit, by_link in ((1, False), (7, True)):
        found = follow(desk, sort, limit, by_link=by_link, deleting=False)
        assert sorted(found) == sorted(names)
        if sort.endswith("username"):
            assert found == sorted(names, key=username_key, reverse=sort.startswith("-"))


@pytest.mark.parametrize("sort", SORTS)
def test_also_where_the_user_whom_a_cursor_names_is_deleted(desk: Desk, sort: str) -> None:
    names = add_users(desk)
    assert sorted(follow(desk, sort, 2, by_link=True, deleting=True)) == sorted(names)


def test_a_name_that_somebody_registers_stops_nobody(desk: Desk) -> None:
    for name in ("\U00020bb7" * 64, "\ufdfa" * 64, "\ufdfa" * 8):  # registered, or refused: either will do
        desk.who.app.client.post("/register", json={"username": name, "password": PASSWORD})
    desk.create("ada")
    for sort in SORTS:
        assert {"root", "ada"} <= set(follow(desk, sort, 1, by_link=False, deleting=False))
