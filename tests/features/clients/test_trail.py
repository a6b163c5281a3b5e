"""What the audit trail says of service clients: each change once, and nothing that did not happen."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.core.request_info import SERVER
from ostiary.feature import Context
from ostiary.features.audit.service import Audit
from ostiary.features.clients.models import ServiceClientRow
from ostiary.features.clients.service import Clients, secret_digest
from ostiary.features.examples.client import CLIENT_ID, ExampleClient
from ostiary.features.examples.service import Examples
from tests.conftest import App, MakeApp
from tests.features.examples.test_administrator import ELSEWHERE
from tests.support.people import person
from tests.support.rivals import rivals_of
from tests.support.settings import environment_of, settings_for
from tests.support.trail import done_by, events, told
from tests.test_cli import ostiary

BY_OPERATOR = (None, None, "", "ostiary command", "")
BY_SERVER = (None, None, "", "ostiary server", "")
EXAMPLE = {"client_id": CLIENT_ID, "name": "example", "may_revoke": True}
EXAMPLE_CREATED = ("client.created", EXAMPLE)
EXAMPLE_REMOVED = ("client.removed", EXAMPLE)


def create(app: App, name: str = "billing") -> str:
    client, secret = app.run(app.services.get(Clients).create, name)
    assert secret not in str(told(app, "client"))
    return client.client_id


def settle(app: App) -> None:
    app.run(app.services.get(Examples).client.settle)


def test_a_client_is_told_when_it_is_made_and_when_it_is_removed(app: App) -> None:
    first, second = create(app), create(app, "la bo\u00eete")
    app.run(app.services.get(Clients).remove, first)
    assert told(app, "client") == [
        ("client.created", {"client_id": first, "name": "billing", "may_revoke": False}),
        ("client.created", {"client_id": second, "name": "la bo\u00eete", "may_revoke": False}),
        ("client.removed", {"client_id": first, "name": "billing", "may_revoke": False}),
    ]
    assert {done_by(event) for event in events(app, "client")} == {BY_OPERATOR}


def test_who_is_no_client_is_not_told_to_be_removed(app: App) -> None:
    client_id = create(app)
    for _ in range(2):
        app.run(app.services.get(Clients).remove, client_id)
    app.run(app.services.get(Clients).remove, "nobody")
    assert [kind for kind, _ in told(app, "client")] == ["client.created", "client.removed"]


def test_of_removals_at_once_one_is_told(app: App) -> None:
    client_id = create(app)

    async def race() -> list[object]:
        async with rivals_of(app, 4) as rivals:
            return await asyncio.gather(*(rival.get(Clients).remove(client_id) for rival in rivals))

    assert sum(removed is not None for removed in asyncio.run(race())) == 1
    assert [kind for kind, _ in told(app, "client")] == ["client.created", "client.removed"]


@pytest.mark.parametrize("change", ["create", "remove"])
def test_what_cannot_be_told_does_not_happen(app: App, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    client_id = create(app)
    before = app.run(app.services.get(Clients).known)

    async def away(*_: object) -> None:
        raise DATABASE_UNAVAILABLE()

    monkeypatch.setattr(app.services.get(Audit), "_append", away)
    with pytest.raises(Problem, match="database_unavailable"):
        app.run(getattr(app.services.get(Clients), change), client_id)
    assert app.run(app.services.get(Clients).known) == before


def test_administrators_see_it_and_nobody_else(app: App) -> None:
    boss, ada = person(app, "boss", ("admin",)), person(app)
    client_id = create(app)
    (event,) = boss.get("/audit-events?type=client.created").json["events"]
    assert (event["user_id"], event["actor_id"], event["outcome"]) == (None, None, "success")
    assert event["details"] == {"client_id": client_id, "name": "billing", "may_revoke": False}
    for somebody in (boss, ada):
        assert client_id not in somebody.get("/me/audit-events").text


def test_the_example_client_is_told_once_however_often_the_server_starts(app: App) -> None:
    for _ in range(3):
        settle(app)
    assert told(app, "client") == [EXAMPLE_CREATED]
    assert done_by(events(app, "client")[0]) == BY_SERVER


def test_an_example_client_that_many_make_at_once_is_told_once(app: App) -> None:
    async def race() -> None:
        async with rivals_of(app, 4) as rivals:
            await asyncio.gather(*(rival.get(Examples).client.settle() for rival in rivals))

    asyncio.run(race())
    assert told(app, "client") == [EXAMPLE_CREATED]


@pytest.mark.postgres
@pytest.mark.parametrize("there_before", [False, True])
def test_two_workers_that_both_find_it_missing_or_outdated_make_one(
    there_before: bool, postgres: str, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(postgres)
    if there_before:
        app.run(ExampleClient(app.services.get(Clients), "another secret" * 3, present=True).settle)
    get = AsyncSession.get

    async def race() -> None:
        both_have_looked, one_is_done = asyncio.Barrier(2), asyncio.Event()

        async def look(*arguments: object) -> object:
            found = await get(*arguments)
            if await both_have_looked.wait() == 1:
                await one_is_done.wait()
            return found

        async def settle_and_tell(rival: Context) -> None:
            await rival.get(Examples).client.settle()
            one_is_done.set()

        monkeypatch.setattr(AsyncSession, "get", look)
        async with rivals_of(app, 2) as rivals:
            await asyncio.gather(*map(settle_and_tell, rivals))

    asyncio.run(race())
    before = [EXAMPLE_CREATED, EXAMPLE_REMOVED] if there_before else []
    assert told(app, "client") == [*before, EXAMPLE_CREATED]


def test_one_that_was_made_since_it_was_looked_for_is_left_alone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(app)
    before = app.run(app.services.get(Clients).known)
    app.clock.move(1)

    async def not_yet(*_: str, **__: bool) -> bool:
        return False

    monkeypatch.setattr(app.services.get(Clients), "authenticate_client", not_yet)
    settle(app)
    assert app.run(app.services.get(Clients).known) == before
    assert told(app, "client") == [EXAMPLE_CREATED]


def test_a_row_that_the_database_refuses_is_a_fault_and_not_another_worker(app: App) -> None:
    with pytest.raises(IntegrityError):
        app.run(app.services.get(Clients).put, "no-name", "a secret", None, SERVER)
    assert told(app, "client") == []


def test_an_example_client_of_before_it_could_revoke_is_replaced(app: App) -> None:
    async def put() -> None:
        client_id, secret = app.services.get(Examples).client.credentials
        row = {"client_id": client_id, "name": "example", "secret_digest": secret_digest(client_id, secret)}
        await app.services.database.write(
            lambda tx: tx.session.execute(insert(ServiceClientRow).values(created_at=app.clock.now(), **row))
        )

    app.run(put)
    settle(app)
    (client,) = app.run(app.services.get(Clients).known)
    assert client.may_revoke
    assert told(app, "client") == [("client.removed", {**EXAMPLE, "may_revoke": False}), EXAMPLE_CREATED]


def test_another_secret_of_the_example_client_is_a_change(app: App) -> None:
    other = ExampleClient(app.services.get(Clients), "another secret" * 3, present=True)
    app.run(other.settle)
    for _ in range(2):
        settle(app)
    assert told(app, "client") == [EXAMPLE_CREATED, EXAMPLE_REMOVED, EXAMPLE_CREATED]


@pytest.mark.parametrize("changes", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_example_client_of_another_profile_is_told_to_be_removed_once(
    make_app: MakeApp, sqlite_url: str, changes: dict
) -> None:
    settle(make_app(sqlite_url))
    elsewhere = make_app(sqlite_url, **changes)
    for _ in range(2):
        settle(elsewhere)
    assert told(elsewhere, "client") == [EXAMPLE_CREATED, EXAMPLE_REMOVED]
    assert {done_by(event) for event in events(elsewhere, "client")} == {BY_SERVER}


def test_where_there_was_no_example_client_none_is_told_of(make_app: MakeApp, database_url: str) -> None:
    app = make_app(database_url, **ELSEWHERE["production"])
    app.run(app.services.start)
    assert told(app, "client") == []


@pytest.mark.usefixtures("_logging_restored")
def test_the_commands_are_told_and_the_trail_verifies(make_app: MakeApp, database_url: str, tmp_path: Path) -> None:
    environment = environment_of(settings_for(database_url, tmp_path))
    client_id = ostiary("clients", "create", "billing", env=environment).stdout.split()[1]
    for status in (0, 1):
        assert ostiary("clients", "remove", client_id, env=environment).exit_code == status
    app = make_app(database_url)
    details = {"client_id": client_id, "name": "billing", "may_revoke": False}
    assert told(app, "client") == [("client.created", details), ("client.removed", details)]
    assert [done_by(event) for event in events(app, "client")] == [BY_OPERATOR] * 2
    verified = ostiary("audit", "verify", env=environment)
    assert (verified.exit_code, verified.stdout.split(";")[0]) == (0, "2 events fit")
