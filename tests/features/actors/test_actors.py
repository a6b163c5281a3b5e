"""A write on behalf of a user gets the current state of that user inside its transaction."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.core.actor import Actor
from ostiary.core.principal import Principal
from ostiary.core.problems import INSUFFICIENT_SCOPE, Problem
from ostiary.features.actors.service import Actors
from ostiary.features.api_keys.bearers import ApiKeyBearers
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.roles.service import assign
from ostiary.features.sessions.service import Sessions
from ostiary.persistence.transaction import Transaction
from tests.conftest import App
from tests.support.people import Person, make_role, person

Doors = ["write", "write_revoking"]


def needing(scope: str) -> Callable[[Principal], None]:
    def check(bearer: Principal) -> None:
        if scope not in bearer.scopes:
            raise INSUFFICIENT_SCOPE(required_scopes=[scope], held_scopes=sorted(bearer.scopes))

    return check


async def who(_tx: Transaction, by: Principal) -> Principal:
    return by


def take_roles(app: App, user_id: str) -> None:
    async def work(tx: RevokingTransaction) -> None:
        await assign(tx, user_id, ())
        await tx.revoke_user(user_id)

    app.run(app.services.get(Revocations).write, work)


def key_of(someone: Person, *scopes: str) -> Principal:
    made: dict[str, Any] = someone.post("/me/api-keys", json={"name": "robot", "scopes": list(scopes)}).json
    found: Principal = someone.app.run(someone.app.services.get(ApiKeyBearers).authenticate, made["api_key"])
    return found


@pytest.fixture
def ada(app: App) -> Person:
    make_role(app, "helpdesk", "users:write")
    return person(app, "ada", ("helpdesk",))


@pytest.mark.parametrize("door", Doors)
def test_an_actor_of_whom_nothing_was_revoked_is_as_the_guard_saw_them(app: App, ada: Person, door: str) -> None:
    write = getattr(app.services.get(Actors), door)
    token = app.run(app.services.get(Sessions).authenticate, ada.tokens["access_token"])
    for seen in (token, key_of(ada, "users:write")):
        assert app.run(write, Actor(seen, needing("users:write")), who) is seen


@pytest.mark.parametrize("door", Doors)
def test_after_other_roles_an_access_token_writes_nothing(app: App, ada: Person, door: str) -> None:
    seen = app.run(app.services.get(Sessions).authenticate, ada.tokens["access_token"])
    take_roles(app, seen.user_id)
    with pytest.raises(Problem, match="invalid_token"):
        app.run(getattr(app.services.get(Actors), door), Actor(seen, lambda _: None), who)


@pytest.mark.parametrize("door", Doors)
def test_after_other_roles_an_api_key_has_the_scopes_that_are_left(app: App, ada: Person, door: str) -> None:
    seen = key_of(ada, "me:write", "users:write")
    take_roles(app, seen.user_id)
    write = getattr(app.services.get(Actors), door)
    assert app.run(write, Actor(seen, needing("me:write")), who).scopes == {"me:write"}
    with pytest.raises(Problem, match="insufficient_scope"):
        app.run(write, Actor(seen, needing("users:write")), who)


@pytest.mark.parametrize("door", Doors)
def test_a_revoked_or_expired_api_key_writes_nothing(app: App, ada: Person, door: str) -> None:
    revoked, expired = key_of(ada, "me:write"), key_of(ada, "me:write")
    path = f"/me/api-keys/{revoked.api_key_id}"
    assert app.client.delete(path, headers=ada.bearer).status_code == 204
    take_roles(app, expired.user_id)
    app.clock.move(91 * 86_400)
    for seen in (revoked, expired):
        with pytest.raises(Problem, match="invalid_token"):
            app.run(getattr(app.services.get(Actors), door), Actor(seen, lambda _: None), who)
