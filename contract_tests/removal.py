"""Removes the users that a run has made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from contract_tests.watch import Watch

AT_ONCE = 4
"""Users removed at the same time."""


class NotRemoved(Exception):
    """Some users that the run has made are still there."""


def remove_users(base_url: str, watch: Watch) -> str:
    """Delete every user that was registered, and return a sentence about it; raises NotRemoved.

    Each logs in and deletes itself, as a person would. Who can no longer log in was deleted by the run itself.
    """
    with watch.client(base_url) as client, ThreadPoolExecutor(AT_ONCE) as pool:

        def remove(credentials: tuple[str, str]) -> str | None:
            name, password = credentials
            entered = client.post("/login", json={"username": name, "password": password})
            if entered.status_code == 401:
                return None
            if entered.status_code != 200:
                return f"{name}: POST /login answered {entered.status_code}"
            bearer = {"Authorization": f"Bearer {entered.json()['access_token']}"}
            deleted = client.delete("/me", headers=bearer)
            return "" if deleted.status_code == 204 else f"{name}: DELETE /me answered {deleted.status_code}"

        outcomes = list(pool.map(remove, list(watch.registered.items())))
    failed = list(_failures(outcomes))
    if failed:
        raise NotRemoved(f"{len(failed)} users that this run has made are still there: {'; '.join(failed)}")
    removed, gone = outcomes.count(""), outcomes.count(None)
    return f"contract users: {len(outcomes)} registered, {gone} of them deleted by the tests, {removed} removed now"


def _failures(outcomes: list[str | None]) -> Iterator[str]:
    yield from (outcome for outcome in outcomes if outcome)
