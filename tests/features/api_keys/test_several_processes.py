"""API keys on two worker processes, on each kind of database."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from ostiary.core.clock import SystemClock
from ostiary.features.accounts.models import UserRow
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.roles.service import assign
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp, StartServer
from tests.features.test_many_at_once import ADA, bearer, one, together
from tests.support.clock import FakeClock
from tests.support.servers import ServerProcess

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

Work = Callable[[Transaction], Coroutine[Any, Any, None]]


@pytest.fixture
def server(start_server: StartServer, database_url: str) -> ServerProcess:
    return start_server(database_url, workers=2)


@pytest.fixture
def clock() -> FakeClock:
    """The servers have the real time, so the process beside them needs it, too."""
    return FakeClock(SystemClock().now())


@pytest.fixture
def elsewhere(make_app: MakeApp, database_url: str) -> App:
    """A third process on the same database: this one."""
    return make_app(database_url)


def key_of(server: ServerProcess, *scopes: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An API key of ada's, and what she logged in with."""
    one(server, "POST", "/register", json=ADA)
    pair = one(server, "POST", "/login", json=ADA).json()
    body = {"name": "robot", "scopes": scopes}
    made = one(server, "POST", "/me/api-keys", json=body, headers=bearer(pair))
    assert made.status_code == 201, made.text
    return made.json(), pair


def ask(server: ServerProcess, key: str, path: str = "/me") -> Counter[int]:
    """Ask often enough that both workers are asked."""
    request = ("GET", path, {"headers": {"Authorization": f"Bearer {key}"}})
    return Counter(answer.status_code for answer in together(server, *[request] * 16))


def change(app: App, user_id: str, work: Work) -> None:
    """Change a user as an administrator does."""

    async def recorded(tx: RevokingTransaction) -> None:
        await work(tx)
        await tx.revoke_user(user_id)

    app.run(app.services.get(Revocations).write, recorded)


def owner_of(server: ServerProcess, pair: dict[str, Any]) -> str:
    return str(one(server, "GET", "/me", headers=bearer(pair)).json()["id"])


def test_a_revoked_one_is_refused_by_every_worker_and_after_kill_and_restart(
    server: ServerProcess, start_server: StartServer, database_url: str
) -> None:
    made, pair = key_of(server, "me:read")
    kept = one(
        server, "POST", "/me/api-keys", json={"name": "kept", "scopes": ["me:read"]}, headers=bearer(pair)
    ).json()
    assert ask(server, made["api_key"]) == ask(server, kept["api_key"]) == {200: 16}
    assert one(server, "DELETE", f"/me/api-keys/{made['id']}", headers=bearer(pair)).status_code == 204
    assert ask(server, made["api_key"]) == {401: 16}

    server.stop(signal.SIGKILL)
    again = start_server(database_url, workers=2)
    assert ask(again, made["api_key"]) == {401: 16}
    assert ask(again, kept["api_key"]) == {200: 16}


def test_what_was_revoked_the_moment_before_a_kill_stays_so(
    server: ServerProcess, start_server: StartServer, database_url: str
) -> None:
    made, pair = key_of(server, "me:read")
    assert one(server, "DELETE", f"/me/api-keys/{made['id']}", headers=bearer(pair)).status_code == 204
    server.stop(signal.SIGKILL)
    assert ask(start_server(database_url, workers=2), made["api_key"]) == {401: 16}


def test_a_disabled_owner_is_refused_by_every_worker(server: ServerProcess, elsewhere: App) -> None:
    made, pair = key_of(server, "me:read")
    owner = owner_of(server, pair)
    for disabled in (False, True, False):
        moment = elsewhere.clock.now() if disabled else None

        async def disable(tx: Transaction, moment: Any = moment) -> None:
            await tx.session.execute(update(UserRow).where(UserRow.id == owner).values(disabled_at=moment))

        change(elsewhere, owner, disable)
        assert ask(server, made["api_key"]) == {401 if disabled else 200: 16}


def test_a_deleted_owner_is_refused_by_every_worker(server: ServerProcess) -> None:
    made, pair = key_of(server, "me:read")
    assert ask(server, made["api_key"]) == {200: 16}
    assert one(server, "DELETE", "/me", headers=bearer(pair)).status_code == 204
    assert ask(server, made["api_key"]) == {401: 16}


def test_another_role_counts_on_every_worker(server: ServerProcess, elsewhere: App) -> None:
    _, pair = key_of(server, "me:read")
    owner = owner_of(server, pair)

    def give(*roles: str) -> None:
        change(elsewhere, owner, lambda tx: assign(tx, owner, roles))

    give("admin")
    made, _ = key_of(server, "me:read", "users:read")
    for roles in ((), ("admin",), ()):
        give(*roles)
        assert ask(server, made["api_key"], "/users") == {200 if roles else 403: 16}
        assert ask(server, made["api_key"]) == {200: 16}


def test_amid_other_requests_each_is_answered_as_before_the_revocation_or_as_after_it(server: ServerProcess) -> None:
    made, pair = key_of(server, "me:read")
    for _ in range(4):
        mine = one(
            server, "POST", "/me/api-keys", json={"name": "x", "scopes": ["me:read"]}, headers=bearer(pair)
        ).json()
        using = ("GET", "/me", {"headers": {"Authorization": f"Bearer {mine['api_key']}"}})
        revoking = ("DELETE", f"/me/api-keys/{mine['id']}", {"headers": bearer(pair)})
        answers = together(server, *[using] * 12, *[revoking] * 3, *[using] * 12)
        counted = Counter(answer.status_code for answer in answers)
        assert counted.keys() <= {200, 204, 401, 404}, server.output
        assert (counted[204], counted[404]) == (1, 2)
        assert ask(server, mine["api_key"]) == {401: 16}
    assert ask(server, made["api_key"]) == {200: 16}


def test_a_key_is_not_logged(server: ServerProcess) -> None:
    made, _ = key_of(server, "me:read")
    ask(server, made["api_key"])
    ask(server, made["api_key"][:-1] + "-")
    server.stop()
    assert made["api_key"][8:] not in server.output


def test_requests_in_the_way_of_one_another_lose_no_last_use(server: ServerProcess) -> None:
    made, pair = key_of(server, "me:read")
    ask(server, made["api_key"])

    async def listed() -> list[Any]:
        async with httpx.AsyncClient(base_url=server.url, headers=bearer(pair)) as client:
            calls = [client.get("/me/api-keys") for _ in range(32)]
            return [answer.json()["api_keys"] for answer in await asyncio.gather(*calls)]

    assert all(len(keys) == 1 for keys in asyncio.run(listed()))
    assert one(server, "GET", "/me/api-keys", headers=bearer(pair)).json()["api_keys"][0]["last_used_at"]
