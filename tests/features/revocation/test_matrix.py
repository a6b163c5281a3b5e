"""What ends what: every event that ends credentials, and every kind of credential, on two workers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ostiary.features.keys.rotation import KeyRotation
from ostiary.features.keys.service import Keys
from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD, Person, log_in, make_role, person, refresh

pytestmark = pytest.mark.uncounted  # the same code again, in every combination

KINDS = ("access token", "access token of another session", "refresh token", "API key")


@dataclass
class Scene:
    """Ada, logged in twice and with two API keys; an administrator; two workers on one database."""

    here: App
    there: App
    clock: FakeClock
    ada: Person
    other: Person
    admin: Person
    key: dict[str, Any]
    spare_key: dict[str, Any]

    def administer(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        headers = dict(self.admin.bearer)
        if method != "GET":
            headers["If-Match"] = self.administer("GET", path.removesuffix("/roles")).headers["ETag"]
        answer = self.here.client.open(path, method=method, headers=headers, **kwargs)
        assert answer.status_code < 300, answer.text
        return answer

    @property
    def path(self) -> str:
        return f"/users/{self.ada.get('/me').json['id']}"

    def opens(self, credential: str) -> set[bool]:
        """Return whether each worker lets the credential in, now."""
        bearer = {"Authorization": f"Bearer {credential}"}
        return {worker.client.get("/me", headers=bearer).status_code == 200 for worker in (self.there, self.here)}

    def good(self) -> set[str]:
        """Return the kinds of credentials that are still good, on both workers alike."""
        credentials = {
            "access token": self.ada.tokens["access_token"],
            "access token of another session": self.other.tokens["access_token"],
            "API key": self.key["api_key"],
        }
        found = {kind: self.opens(credential) for kind, credential in credentials.items()}
        assert all(len(answers) == 1 for answers in found.values()), found
        refreshed = refresh(self.there, self.ada.tokens["refresh_token"]).status_code == 200
        return {kind for kind, answers in found.items() if answers == {True}} | (
            {"refresh token"} if refreshed else set()
        )


@pytest.fixture
def scene(make_app: MakeApp, database_url: str, clock: FakeClock) -> Scene:
    here, there = make_app(database_url), make_app(database_url)
    make_role(here, "helpdesk", "users:read")
    admin, ada = person(here, "grace", ("admin",)), person(here, "ada", ("helpdesk",))
    other = log_in(there, "ada")
    keys = [ada.post("/me/api-keys", json={"name": f"robot {n}", "scopes": ["me:read"]}).json for n in range(2)]
    found = Scene(here, there, clock, ada, other, admin, keys[0], keys[1])
    credentials = (ada.tokens["access_token"], other.tokens["access_token"], keys[0]["api_key"], keys[1]["api_key"])
    assert [found.opens(one) for one in credentials] == [{True}] * 4  # both workers have seen and remember all of them
    return found


def log_out(scene: Scene) -> None:
    assert scene.ada.post("/logout").status_code == 200


def end_one(scene: Scene) -> None:
    path = f"/me/sessions/{scene.ada.tokens['session_id']}"
    assert scene.here.client.delete(path, headers=scene.other.bearer).status_code == 204


def end_others(scene: Scene) -> None:
    assert scene.here.client.delete("/me/sessions", headers=scene.ada.bearer).json == {"ended_sessions": 1}


def end_all(scene: Scene) -> None:
    assert scene.here.client.delete("/me/sessions?which=all", headers=scene.ada.bearer).json == {"ended_sessions": 2}


def change_password(scene: Scene) -> None:
    body = {"current_password": PASSWORD, "new_password": f"{PASSWORD} two"}
    assert scene.ada.post("/me/password", json=body).json["ended_sessions"] == 1


def change_roles(scene: Scene) -> None:
    scene.administer("PUT", f"{scene.path}/roles", json={"roles": []})


def change_the_role(scene: Scene) -> None:
    scene.administer("PATCH", "/roles/helpdesk", json={"permissions": []})


def delete_the_role(scene: Scene) -> None:
    scene.administer("DELETE", "/roles/helpdesk")


def disable(scene: Scene) -> None:
    scene.administer("PATCH", scene.path, json={"disabled": True})


def end_by_administrator(scene: Scene) -> None:
    answer = scene.here.client.delete(f"{scene.path}/sessions", headers=scene.admin.bearer)
    assert answer.json["ended_sessions"] == 2


def delete_user(scene: Scene) -> None:
    scene.administer("DELETE", scene.path)


def delete_oneself(scene: Scene) -> None:
    assert scene.here.client.delete("/me", headers=scene.ada.bearer).status_code == 204


def retire_key(scene: Scene) -> None:
    """All access tokens were signed with the one key that there is."""
    kid = scene.here.run(scene.here.services.get(Keys).current).kid
    scene.here.run(lambda: scene.here.services.get(KeyRotation).rotate(sign_after=timedelta(0)))
    scene.clock.move(5)
    scene.here.run(lambda: scene.here.services.get(KeyRotation).retire(kid))


def reuse_refresh_token(scene: Scene) -> None:
    stolen = scene.ada.tokens["refresh_token"]
    scene.ada.tokens = scene.ada.tokens | {"refresh_token": refresh(scene.here, stolen).json["refresh_token"]}
    scene.clock.move(11)
    assert refresh(scene.here, stolen).status_code == 401


def revoke_api_key(scene: Scene) -> None:
    path = f"/me/api-keys/{scene.key['id']}"
    assert scene.here.client.delete(path, headers=scene.ada.bearer).status_code == 204
    assert scene.opens(scene.spare_key["api_key"]) == {True}


THIS_SESSION = {"access token", "refresh token"}
ACCESS_TOKENS = {"access token", "access token of another session"}
EVENTS: list[tuple[Callable[[Scene], None], set[str]]] = [
    (log_out, THIS_SESSION),
    (end_one, THIS_SESSION),
    (end_others, {"access token of another session"}),
    (end_all, ACCESS_TOKENS | THIS_SESSION),
    (change_password, {"access token of another session"}),
    # What follows from roles is read anew: the refresh token buys tokens, and the API key opens, what is allowed now.
    (change_roles, ACCESS_TOKENS),
    (change_the_role, ACCESS_TOKENS),
    (delete_the_role, ACCESS_TOKENS),
    (disable, set(KINDS)),
    (end_by_administrator, ACCESS_TOKENS | THIS_SESSION),
    (delete_user, set(KINDS)),
    (delete_oneself, set(KINDS)),
    (retire_key, ACCESS_TOKENS),
    (reuse_refresh_token, THIS_SESSION),
    (revoke_api_key, {"API key"}),
]


@pytest.mark.parametrize(("event", "ended"), [pytest.param(*one, id=one[0].__name__) for one in EVENTS])
def test_it_ends_these_and_no_others_at_once_on_every_worker(
    scene: Scene, event: Callable[[Scene], None], ended: set[str]
) -> None:
    event(scene)
    assert scene.good() == set(KINDS) - ended


@pytest.mark.parametrize("event", [change_roles, change_the_role, delete_the_role])
def test_after_a_change_of_roles_new_tokens_carry_what_holds_now(scene: Scene, event: Callable[[Scene], None]) -> None:
    def reads_users(person: Person) -> bool:
        return person.get("/users").status_code == 200

    assert reads_users(scene.ada)
    event(scene)
    renewed = Person(scene.there, "ada", refresh(scene.there, scene.ada.tokens["refresh_token"]).json)
    assert renewed.get("/me").status_code == 200
    assert not reads_users(renewed)
