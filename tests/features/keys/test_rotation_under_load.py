"""While keys are rotated and retired, two worker processes answer every request as they should."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import jwt
import pytest

from tests.conftest import StartServer
from tests.support.people import PASSWORD
from tests.support.settings import environment_of, settings_for
from tests.support.waiting import until
from tests.test_cli import ostiary

pytestmark = pytest.mark.uncounted  # the servers are processes of their own

CALLERS = 6


def kid_of(token: str) -> str:
    found: str = jwt.get_unverified_header(token)["kid"]
    return found


class Callers:
    """Threads that log in, refresh and use their tokens until they are told to stop; each on connections of its own."""

    def __init__(self, url: str) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.refused: list[str] = []
        self.kids: set[str] = set()
        self._url = url
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)
        self._calls = [self._pool.submit(self._call, f"caller{number}") for number in range(CALLERS)]

    def _call(self, name: str) -> None:
        body = {"username": name, "password": PASSWORD}
        with (
            httpx.Client(base_url=self._url, timeout=30) as first,
            httpx.Client(base_url=self._url, timeout=30) as second,
        ):
            assert first.post("/register", json=body).status_code == 201
            while not self._stop.is_set():
                pair = self._note("login", first.post("/login", json=body)).json()
                for _ in range(5):
                    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
                    self.kids.add(kid_of(pair["access_token"]))
                    for client in (second, first):  # which may be another worker's
                        answer = self._note("protected", client.get("/protected", headers=bearer))
                        if answer.status_code == 401:
                            self.refused.append(kid_of(pair["access_token"]))
                    pair = self._note("refresh", second.post("/refresh", json=pair_body(pair))).json()

    def _note(self, what: str, answer: httpx.Response) -> httpx.Response:
        self.answers[what, answer.status_code] += 1
        return answer

    def go_on(self) -> None:
        """Return when each kind of request has been answered many times more."""
        before = self.answers["protected", 200]
        until(lambda: self.answers["protected", 200] > before + 20 * CALLERS or self._failed())

    def _failed(self) -> bool:
        return any(call.done() for call in self._calls)

    def stop(self) -> None:
        self._stop.set()
        for call in self._calls:
            call.result()
        self._pool.shutdown()


def pair_body(pair: dict[str, str]) -> dict[str, str]:
    return {"refresh_token": pair["refresh_token"]}


@pytest.mark.usefixtures("_logging_restored")
def test_no_request_is_dropped(start_server: StartServer, database_url: str, tmp_path: Path) -> None:
    environment = environment_of(settings_for(database_url, tmp_path))
    server = start_server(database_url, workers=2)
    callers = Callers(server.url)
    callers.go_on()
    (first,) = callers.kids
    known = [first]
    for _ in range(3):
        result = ostiary("keys", "rotate", "--now", env=environment)
        assert result.exit_code == 0, result.output
        known.append(result.stdout.split()[0])
        callers.go_on()
        assert known[-1] in callers.kids
    # Whoever holds a token of the last key but one has had it replaced by now; a rotation refuses nobody.
    assert callers.refused == []
    for kid in known[:-1]:
        assert ostiary("keys", "retire", kid, env=environment).exit_code == 0
        callers.go_on()
    callers.stop()
    assert set(callers.refused) <= set(known[:-1])
    assert {status for _, status in callers.answers} <= {200, 401}
    assert {what for what, status in callers.answers if status == 401} <= {"protected"}
    jwks = httpx.get(f"{server.url}/.well-known/jwks.json").json()
    assert [key["kid"] for key in jwks["keys"]] == [known[-1]]
