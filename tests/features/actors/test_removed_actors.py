"""A write that is committed after its actor was removed has no effect: every writing operation, on two workers.

The operations are those of the contract, so that a new one fails here until its request is below. An application in
this process removes the actor and waits just before its commit. During this time the servers get every request,
and their guards still let the actor in. Then the removal is committed first.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.clock import SystemClock
from ostiary.core.scopes import PERMISSIONS, SCOPES
from ostiary.features.accounts.service import Accounts
from ostiary.features.audit.models import AuditEventRow
from ostiary.features.audit.service import Audit
from ostiary.features.idempotency.models import IdempotencyKeyRow
from ostiary.persistence.base import Base
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp, StartServer
from tests.features.test_many_at_once import UNLIMITED, together
from tests.support.people import PASSWORD, log_in, make_role
from tests.support.servers import ServerProcess
from tests.web.test_contract import OPERATIONS

ISSUER = "https://ostiary.example"
BEARER, API_KEY = "bearerAuth", "apiKeyAuth"
UNCOUNTED = {"audit_events", "idempotency_keys"}
"""Tables that are compared otherwise: the removal adds to the one, a refused request is free to add to the other."""
UNNOTICED = {"last_seen_at", "last_used_at"}


def schemes_of(operation: dict[str, Any]) -> set[str]:
    return {scheme for one in operation.get("security", ()) for scheme in one}


WRITING = {
    name: schemes_of(operation) & {BEARER, API_KEY}
    for name, (path, method, operation) in OPERATIONS.items()
    if method != "get" and path != "/authorize" and schemes_of(operation) & {BEARER, API_KEY}
}
"""Every operation that writes on behalf of somebody, and with what they may ask for it. `/authorize` only answers,
whatever the method.
"""
NEEDS_ROLE = {
    name
    for name in WRITING
    for one in OPERATIONS[name][2]["security"]
    for needed in one.values()
    if set(needed) & PERMISSIONS
}
IDEMPOTENT = {
    name
    for name in WRITING
    if any(parameter.get("name") == "Idempotency-Key" for parameter in OPERATIONS[name][2].get("parameters", ()))
}
BEYOND_API_KEYS = {"setUserRoles", "updateRole", "deleteRole"}
"""No API key may do what these are asked for here."""


@dataclass
class Cast:
    """An actor with every permission, and what the actor is about to change. Names are of this cast alone."""

    number: int
    path: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    other_session: str = ""
    api_key: dict[str, Any] = field(default_factory=dict)
    spare_key: str = ""
    target: str = ""

    @property
    def name(self) -> str:
        return f"actor-{self.number}x"

    @property
    def role(self) -> str:
        return f"role-{self.number}x"

    @property
    def target_role(self) -> str:
        return f"target-{self.number}x"

    def credential(self, scheme: str) -> str:
        found: str = self.tokens["access_token"] if scheme == BEARER else self.api_key["api_key"]
        return found


Request = Callable[[Cast], dict[str, Any]]
NEW = "new-{}x"
REQUESTS: dict[str, Request] = {
    "logout": lambda _: {},
    "updateMe": lambda cast: {"json": {"username": f"renamed-{cast.number}x"}},
    "deleteMe": lambda _: {},
    "endMySessions": lambda _: {},
    "endMySession": lambda cast: {"session_id": cast.other_session},
    "changeMyPassword": lambda _: {"json": {"current_password": PASSWORD, "new_password": f"{PASSWORD} two"}},
    "reauthenticate": lambda _: {"json": {"password": PASSWORD}},
    "createMyApiKey": lambda _: {"json": {"name": "late", "scopes": ["me:read"]}},
    "revokeMyApiKey": lambda cast: {"api_key_id": cast.spare_key},
    "createUser": lambda cast: {"json": {"username": NEW.format(cast.number), "password": PASSWORD}},
    "updateUser": lambda cast: {"user_id": cast.target, "json": {"disabled": True}},
    "deleteUser": lambda cast: {"user_id": cast.target},
    "endUserSessions": lambda cast: {"user_id": cast.target},
    "setUserRoles": lambda cast: {"user_id": cast.target, "json": {"roles": [cast.role]}},
    "createRole": lambda cast: {
        "json": {"name": NEW.format(cast.number), "description": "", "permissions": ["users:read"]}
    },
    "updateRole": lambda cast: {"role_name": cast.target_role, "json": {"permissions": ["audit:read"]}},
    "deleteRole": lambda cast: {"role_name": cast.target_role},
}
"""For each operation a request that succeeds while the actor may act: path parameters, body."""


def request_of(name: str, cast: Cast, scheme: str) -> tuple[str, str, dict[str, Any]]:
    path, method, _ = OPERATIONS[name]
    request = REQUESTS[name](cast)
    kwargs = {"json": request.pop("json")} if "json" in request else {}
    headers = {"Authorization": f"Bearer {cast.credential(scheme)}", "If-Match": "*"}
    if name in IDEMPOTENT:
        headers["Idempotency-Key"] = f"key-{cast.number}"
    return method.upper(), path.format(**request), {**kwargs, "headers": headers}


class Hold:
    """Lets one removal in this process wait before its commit, when it has done all but its line in the trail."""

    def __init__(self, app: App) -> None:
        self._append = app.services.get(Audit)._append
        self._armed = False
        self._reached = threading.Event()
        self._release = threading.Event()
        self.seen: dict[str, list[tuple[Any, ...]]] = {}
        """The tables as they will be once the removal is committed."""
        app.services.get(Audit)._append = self._wait_and_append  # type: ignore[method-assign]

    async def _wait_and_append(self, event: Mapping[str, Any], tx: Transaction) -> None:
        await tx.lock_audit_chain()
        if self._armed:
            self._armed = False
            self.seen = await tables(tx.session)
            self._reached.set()
            while not self._release.is_set():  # noqa: ASYNC110 - set in another thread
                await asyncio.sleep(0.01)
        await self._append(event, tx)

    @contextmanager
    def during(self, removal: Callable[[], Any]) -> Iterator[None]:
        """Begin `removal`, run the block while it waits; commit it after the block, and return when it is answered."""
        self._reached.clear()
        self._release.clear()
        self._armed = True
        failures: list[BaseException] = []

        def run() -> None:
            try:
                removal()
            except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
                failures.append(error)
                self._reached.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert self._reached.wait(20)
            if not failures:
                yield
        finally:
            self._release.set()
            thread.join()
        if failures:
            raise failures[0]


async def tables(session: AsyncSession) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in UNCOUNTED:
            columns = [column for column in table.columns if column.name not in UNNOTICED]
            found[table.name] = sorted((tuple(row) for row in await session.execute(select(*columns))), key=repr)
    return found


class Stage:
    """A server of two workers, and an application in this process on the same database, with an administrator."""

    def __init__(self, app: App, server: ServerProcess) -> None:
        self.app = app
        self.server = server
        self.set_clock()
        app.run(app.services.get(Accounts).register, "root", PASSWORD, ("admin",))
        self.root = log_in(app, "root")
        self.hold = Hold(app)
        self._casts = 0

    def set_clock(self) -> None:
        """Let the clock of this process be right: the servers have the real one."""
        self.app.clock.move(SystemClock().timestamp() - self.app.clock.timestamp())

    def cast(self) -> Cast:
        self._casts += 1
        cast = Cast(self._casts)
        make_role(self.app, cast.role, *PERMISSIONS)
        make_role(self.app, cast.target_role, "users:read")
        for name, roles in ((cast.name, (cast.role,)), (f"target-{cast.number}x", ())):
            self.app.run(self.app.services.get(Accounts).register, name, PASSWORD, roles)
        target = self.post("/login", {"username": f"target-{cast.number}x", "password": PASSWORD})
        cast.target = self.get("/me", target)["id"]
        cast.other_session = self.post("/login", {"username": cast.name, "password": PASSWORD})["session_id"]
        cast.tokens = self.post("/login", {"username": cast.name, "password": PASSWORD})
        cast.path = f"/users/{self.get('/me', cast.tokens)['id']}"
        made = [self.post("/me/api-keys", {"name": "robot", "scopes": sorted(SCOPES)}, cast.tokens) for _ in range(2)]
        cast.api_key, cast.spare_key = made[0], made[1]["id"]
        self.set_clock()
        return cast

    def post(self, path: str, body: dict[str, Any], by: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {} if by is None else {"Authorization": f"Bearer {by['access_token']}"}
        answer = httpx.post(f"{self.server.url}{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, by: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {by['access_token']}"}
        found: dict[str, Any] = httpx.get(f"{self.server.url}{path}", headers=headers).json()
        return found

    def here(self, method: str, path: str, bearer: dict[str, str], **kwargs: Any) -> None:
        """Send a request to the application in this process; it must succeed."""
        answer = self.app.client.open(path, method=method, headers={**bearer, "If-Match": "*"}, **kwargs)
        assert answer.status_code < 300, answer.text

    def administer(self, method: str, path: str, **kwargs: Any) -> None:
        self.here(method, path, self.root.bearer, **kwargs)

    def answers(self, calls: list[tuple[str, str, dict[str, Any]]], removal: Callable[[], Any]) -> list[httpx.Response]:
        """Send `calls` while `removal` waits for its commit; return what they are answered once it is committed."""

        async def send() -> list[httpx.Response]:
            async with httpx.AsyncClient(base_url=self.server.url, timeout=60, limits=UNLIMITED) as client:
                return await asyncio.gather(*(client.request(method, path, **kw) for method, path, kw in calls))

        found: list[httpx.Response] = []
        with self.hold.during(removal):
            sending = threading.Thread(target=lambda: found.extend(asyncio.run(send())))
            sending.start()
            time.sleep(0.5)  # until their guards have let them in
            assert sending.is_alive(), [answer.text for answer in found]
        sending.join()
        return found

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        async def read() -> dict[str, list[tuple[Any, ...]]]:
            async with self.app.services.database.read() as session:
                return await tables(session)

        found: dict[str, list[tuple[Any, ...]]] = self.app.run(read)
        return found

    def trail(self) -> list[tuple[str, str | None, str | None]]:
        """Kind, user and actor of every event, in the order of the commits."""

        async def read() -> list[tuple[str, str | None, str | None]]:
            query = select(AuditEventRow.type, AuditEventRow.user_id, AuditEventRow.actor_id)
            async with self.app.services.database.read() as session:
                return [tuple(row) for row in await session.execute(query.order_by(AuditEventRow.seq))]

        found: list[tuple[str, str | None, str | None]] = self.app.run(read)
        return found

    def count(self, *criteria: Any) -> int:
        async def ask() -> int:
            async with self.app.services.database.read() as session:
                return await session.scalar(select(func.count()).where(*criteria)) or 0

        found: int = self.app.run(ask)
        return found


Removal = Callable[[Stage, Cast], None]
REMOVALS: dict[str, Removal] = {
    "deleted": lambda stage, cast: stage.administer("DELETE", cast.path),
    "disabled": lambda stage, cast: stage.administer("PATCH", cast.path, json={"disabled": True}),
    "without roles": lambda stage, cast: stage.administer("PUT", f"{cast.path}/roles", json={"roles": []}),
    "with a lesser role": lambda stage, cast: stage.administer(
        "PATCH", f"/roles/{cast.role}", json={"permissions": []}
    ),
    "with a deleted role": lambda stage, cast: stage.administer("DELETE", f"/roles/{cast.role}"),
    "logged out by an administrator": lambda stage, cast: stage.administer("DELETE", f"{cast.path}/sessions"),
    "logged out": lambda stage, cast: stage.here(
        "POST", "/logout", {"Authorization": f"Bearer {cast.credential(BEARER)}"}
    ),
    "revoked": lambda stage, cast: stage.here(
        "DELETE", f"/me/api-keys/{cast.api_key['id']}", {"Authorization": f"Bearer {cast.credential(BEARER)}"}
    ),
}
"""What may happen to an actor, each by the operation that people use for it."""
DEMOTIONS = {"without roles", "with a lesser role", "with a deleted role"}
ENDS_KEYS = {"deleted", "disabled", "revoked", *DEMOTIONS}
ROUNDS = [(BEARER, removal) for removal in REMOVALS if removal != "revoked"] + [
    (API_KEY, removal) for removal in REMOVALS if removal in ENDS_KEYS
]


@pytest.fixture
def stage(make_app: MakeApp, start_server: StartServer, database_url: str) -> Stage:
    server = start_server(database_url, workers=2, issuer=ISSUER, database_pool_size=16, contract_checks="off")
    return Stage(make_app(database_url, issuer=ISSUER), server)


def asked_with(scheme: str) -> list[str]:
    return [name for name, schemes in WRITING.items() if scheme in schemes]


def play(stage: Stage, scheme: str, removal: str) -> None:
    """Remove a new actor while every operation is under way, and see that none of them did anything."""
    cast = stage.cast()
    names = asked_with(scheme)
    if scheme == API_KEY and removal in DEMOTIONS:  # the key may go on with the own account
        names = [name for name in names if name in NEEDS_ROLE]
    calls = [request_of(name, cast, scheme) for name in names]
    by_actor = AuditEventRow.actor_id == cast.path.rpartition("/")[2]
    before = stage.count(by_actor)
    answers = stage.answers(calls, lambda: REMOVALS[removal](stage, cast))
    expected = (403, "insufficient_scope") if scheme == API_KEY and removal in DEMOTIONS else (401, "invalid_token")
    found = {
        name: (answer.status_code, answer.json().get("code") if answer.content else None)
        for name, answer in zip(names, answers, strict=True)
    }
    assert found == dict.fromkeys(names, expected), (removal, scheme)
    assert stage.state() == stage.hold.seen, (removal, scheme)
    by_themselves = removal in {"logged out", "revoked"}
    assert stage.count(by_actor) == before + by_themselves, (removal, scheme)
    assert stage.count(IdempotencyKeyRow.digest.is_not(None)) == 0


def test_every_writing_operation_of_the_contract_is_covered() -> None:
    assert REQUESTS.keys() == WRITING.keys()


@pytest.mark.parametrize("scheme", [BEARER, API_KEY])
def test_while_the_actor_may_act_every_request_succeeds(stage: Stage, scheme: str) -> None:
    for name in asked_with(scheme):
        if scheme == API_KEY and name in BEYOND_API_KEYS:
            continue
        method, path, kwargs = request_of(name, stage.cast(), scheme)
        answer = httpx.request(method, f"{stage.server.url}{path}", **kwargs)
        assert answer.is_success, (name, answer.text)


def test_a_write_committed_after_the_removal_of_its_actor_has_no_effect(stage: Stage) -> None:
    for scheme, removal in ROUNDS:
        play(stage, scheme, removal)


MUTUAL: dict[str, tuple[str, dict[str, Any]]] = {
    "DELETE": ("/users/{}", {}),
    "PATCH": ("/users/{}", {"json": {"disabled": True}}),
    "PUT": ("/users/{}/roles", {"json": {"roles": []}}),
}


@pytest.mark.parametrize("method", MUTUAL)
def test_of_two_administrators_who_remove_each_other_one_is_removed(stage: Stage, method: str) -> None:
    """A third is left, so that the last administrator is not what keeps the other."""
    path, kwargs = MUTUAL[method]
    for number in range(4):
        calls, ids = [], []
        for name in (f"rival-{number}x", f"rival-{number}y"):
            stage.app.run(stage.app.services.get(Accounts).register, name, PASSWORD, ("admin",))
            tokens = stage.post("/login", {"username": name, "password": PASSWORD})
            ids.append(stage.get("/me", tokens)["id"])
            calls.append({"Authorization": f"Bearer {tokens['access_token']}", "If-Match": "*"})
        rivals = zip(reversed(ids), calls, strict=True)
        answers = together(
            stage.server, *((method, path.format(victim), {"headers": headers, **kwargs}) for victim, headers in rivals)
        )
        assert sorted(answer.is_success for answer in answers) == [False, True], [answer.text for answer in answers]
        (refused,) = (answer for answer in answers if not answer.is_success)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


@pytest.mark.attacks
def test_in_many_rounds_nothing_is_committed_after_a_removal(stage: Stage) -> None:
    for _ in range(10):
        for scheme, removal in ROUNDS:
            play(stage, scheme, removal)


@pytest.mark.attacks
@pytest.mark.parametrize("removal", ["deleted", "disabled", "without roles", "logged out"])
def test_an_administrator_who_is_removed_amid_200_requests_makes_nobody_afterwards(stage: Stage, removal: str) -> None:
    """As it was found: no lock is held, the requests wait for their hashes."""
    for number in range(5):
        cast = stage.cast()

        async def attack(cast: Cast = cast, number: int = number) -> None:
            bearer = {"Authorization": f"Bearer {cast.credential(BEARER)}"}
            async with httpx.AsyncClient(base_url=stage.server.url, timeout=60, limits=UNLIMITED) as client:
                names = (f"made-{number}x{one}" for one in range(200))
                bodies = [{"username": name, "password": PASSWORD, "roles": [cast.role]} for name in names]
                calls = [asyncio.create_task(client.post("/users", json=body, headers=bearer)) for body in bodies]
                await asyncio.sleep(0.1)
                await asyncio.to_thread(REMOVALS[removal], stage, cast)
                await asyncio.gather(*calls)

        asyncio.run(attack())
        user_id = cast.path.rpartition("/")[2]
        trail = stage.trail()
        removed = max(index for index, (_, user, _) in enumerate(trail) if user == user_id)
        late = [kind for kind, _, actor in trail[removed + 1 :] if actor == user_id]
        assert late == []
