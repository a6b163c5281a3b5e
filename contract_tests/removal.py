"""Removes the users that a run has made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from .people import Credentials
from .watch import Watch

AT_ONCE = 4
"""Users removed at the same time."""


class NotRemoved(Exception):
    """Some users that the run has made are still there."""


def remove_users(base_url: str, watch: Watch, administrator: Credentials | None) -> str:
    """Delete every user and role that was made, and return a sentence about it; raises NotRemoved.

    Each user logs in and deletes itself, as a person would; who was disabled is deleted by the administrator. Who can
    no longer log in was deleted by the run itself.
    """
    with watch.client(base_url) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        boss = {} if administrator is None else _bearer(client, administrator)

        def remove(credentials: tuple[str, str]) -> str | None:
            name, password = credentials
            entered = client.post("/login", json={"username": name, "password": password})
            if entered.status_code == 401:
                return None
            if entered.status_code == 403:
                ids = [user_id for user_id, known in watch.names.items() if known == name]
                deleted = client.delete(f"/users/{ids[-1]}", headers={**boss, "If-Match": "*"})
                return "" if deleted.status_code == 204 else f"{name}: DELETE /users answered {deleted.status_code}"
            if entered.status_code != 200:
                return f"{name}: POST /login answered {entered.status_code}"
            bearer = {"Authorization": f"Bearer {entered.json()['access_token']}"}
            deleted = client.delete("/me", headers=bearer)
            return "" if deleted.status_code == 204 else f"{name}: DELETE /me answered {deleted.status_code}"

        outcomes = list(pool.map(remove, list(watch.registered.items())))
        for role in watch.roles:
            answer = client.delete(f"/roles/{role}", headers={**boss, "If-Match": "*"})
            if answer.status_code not in (204, 404):
                outcomes.append(f"the role {role}: DELETE /roles answered {answer.status_code}")
    failed = list(_failures(outcomes))
    if failed:
        raise NotRemoved(f"{len(failed)} users or roles of this run are still there: {'; '.join(failed)}")
    removed, gone = outcomes.count(""), outcomes.count(None)
    return f"contract users: {len(outcomes)} registered, {gone} of them deleted by the tests, {removed} removed now"


def _bearer(client: httpx.Client, credentials: Credentials) -> dict[str, str]:
    entered = client.post("/login", json={"username": credentials.username, "password": credentials.password})
    return {"Authorization": f"Bearer {entered.raise_for_status().json()['access_token']}"}


def _failures(outcomes: list[str | None]) -> Iterator[str]:
    yield from (outcome for outcome in outcomes if outcome)
