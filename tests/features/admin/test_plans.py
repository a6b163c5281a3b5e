"""How the databases find users: by an index, whatever is asked for."""

import re
from typing import Any

import pytest
from sqlalchemy import insert, text

from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.rules import after_prefix, username_key
from ostiary.features.accounts.service import Accounts
from ostiary.features.accounts.store import UserFilter, page_of_ids
from ostiary.features.admin.service import Administration
from ostiary.persistence.transaction import Transaction
from tests.conftest import App
from tests.support.people import make_role, person

pytestmark = pytest.mark.uncounted  # it is about the database's plans

MANY = 20_000


@pytest.fixture
def crowd(app: App) -> App:
    """Many users, of whom few hold a role or are disabled."""
    make_role(app, "editor")
    person(app, "edith", ("editor",))
    randomness, now = app.services.get(Accounts)._randomness, app.clock.now()

    async def fill(tx: Transaction) -> None:
        rows = [
            {
                "id": randomness.new_id(),
                "username": f"user-{number}",
                "username_key": f"user-{number}",
                "email": f"u{number}@example.org",
                "email_key": f"u{number}@example.org",
                "password_hash": "",
                "created_at": now,
                "disabled_at": now if number % 1000 == 0 else None,
            }
            for number in range(MANY)
        ]
        await tx.session.execute(insert(UserRow), rows)

    async def analyze(tx: Transaction) -> None:
        await tx.session.execute(text("ANALYZE"))

    app.run(app.services.database.write, fill)
    app.run(app.services.database.write, analyze)
    return app


def plan_of(app: App, wanted: UserFilter, after: Any) -> str:
    query = page_of_ids(wanted, 20, after)
    database = app.services.database

    async def explain() -> str:
        async with database.read() as session:
            compiled = query.compile(dialect=database.engine.dialect, compile_kwargs={"literal_binds": True})
            how = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN (ANALYZE, TIMING OFF)"
            rows = await session.execute(text(f"{how} {compiled}".replace(":", "\\:")))
            return "\n".join(str(row[-1]) for row in rows)

    found: str = app.run(explain)
    return found


LAST = {"username": ("user-5",), "created_at": ("0199f6a2-6b7e-7c3a-8a51-2f1e5d0c9b44",)}


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("sort", ["created_at", "-created_at", "username", "-username"])
def test_nothing_is_read_from_end_to_end(crowd: App, sort: Any, goes_on: bool) -> None:
    after = LAST[sort.removeprefix("-")] if goes_on else None
    for wanted in (
        UserFilter(sort),
        UserFilter(sort, disabled=False),
        UserFilter(sort, disabled=True),
        UserFilter(sort, role="editor"),
        UserFilter(sort, search="user-1999"),
        UserFilter(sort, search="u1999"),
        UserFilter(sort, search="user-1999", disabled=False),
    ):
        plan = plan_of(crowd, wanted, after)
        if crowd.services.database.is_sqlite:
            # A list in the order of an index stops at its limit; whatever narrows it down is looked up in one.
            unnarrowed = wanted.role is None and wanted.search is None and not goes_on
            scans = [line for line in plan.splitlines() if line.startswith("SCAN users")]
            assert all("USING" in line and "INDEX" in line for line in scans), f"{wanted}\n{plan}"
            assert unnarrowed or not scans, f"{wanted}\n{plan}"
        else:
            assert "Seq Scan on users" not in plan, f"{wanted}\n{plan}"
            if wanted.search is not None:
                # Found, and then left out since they stand before the page; as many as were found, once for each.
                removed = [int(count) for count in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
                assert all(count <= 1 for count in removed), f"{wanted}\n{plan}"


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        ("ada", "adb"),
        ("a\U0010ffff", "b"),
        ("\ud7ff", "\ue000"),
        ("\U0010ffff", None),
        ("", None),
    ],
)
def test_the_end_of_what_begins_with_a_text(prefix: str, end: str | None) -> None:
    assert after_prefix(prefix) == end


@pytest.mark.parametrize("prefix", ["Ä", "ß", "ΑΣ", "ﬁ"])
def test_a_name_is_found_by_its_beginning_however_it_is_written(app: App, prefix: str) -> None:
    person(app, f"{prefix}-xyz")
    name = username_key(f"{prefix}-xyz")
    assert name.startswith(username_key(prefix))
    page = app.run(app.services.get(Administration).page, UserFilter("username", search=prefix.upper()), 20, None)
    assert [account.username for account in page.items] == [f"{prefix}-xyz"]
