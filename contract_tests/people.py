"""Users of the server under test: registered for one run, logged in through the API."""

import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

SHARE_OF_LIFETIME = 0.5
"""The share of an access token's lifetime after which a run asks for a new one."""


@dataclass(frozen=True)
class Credentials:
    """A user name and its password."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def throwaway(cls, kind: str) -> "Credentials":
        """Make credentials that nobody has: a name beginning with `kind`, a password that no list knows."""
        return cls(f"{kind}-{os.urandom(6).hex()}", os.urandom(18).hex())


class Person(Protocol):
    """Somebody who has tokens."""

    @property
    def name(self) -> str:
        """What the report calls them."""
        ...

    def token(self) -> str:
        """Return an access token that is valid now; the same one may be returned many times."""
        ...

    def token_that_may_end(self) -> str:
        """Return an access token as `token` does, for an operation that may end it; the next one is another."""
        ...

    def token_of_a_new_session(self) -> str:
        """Return the access token of a session that nothing else uses, such as for logging out."""
        ...

    def token_of_a_new_user(self) -> str:
        """Return the access token of a user whom nothing else needs, such as for deleting them."""
        ...

    def new_user(self) -> "User":
        """Return a user whom nothing else needs, and whose password is known."""
        ...


class User:
    """A user of Ostiary, reached through `client`. The credentials must exist; see `register`."""

    def __init__(self, name: str, client: httpx.Client, credentials: Credentials) -> None:
        self.name = name
        self.credentials = credentials
        self._client = client
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """Return the token of a session that lasts for the whole run."""
        with self._lock:
            if time.monotonic() >= self._renew_at:
                pair = self.log_in()
                self._token = pair["access_token"]
                self._renew_at = time.monotonic() + pair["expires_in"] * SHARE_OF_LIFETIME
            return self._token

    def token_that_may_end(self) -> str:
        """Return the token of the run's session, and log in anew for the next."""
        token = self.token()
        with self._lock:
            self._renew_at = 0.0
        return token

    def token_of_a_new_session(self) -> str:
        """Log in once more and return that session's token."""
        token: str = self.log_in()["access_token"]
        return token

    def token_of_a_new_user(self) -> str:
        """Register somebody else who has done nothing yet, log in as them and return that token."""
        return self.new_user().token_of_a_new_session()

    def new_user(self) -> "User":
        """Register somebody else who has done nothing yet."""
        return register("guest", self._client)

    def log_in(self) -> dict[str, Any]:
        """Return a new token pair."""
        answer = self._client.post(
            "/login", json={"username": self.credentials.username, "password": self.credentials.password}
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{self.name} could not log in: {answer.status_code} {answer.text}")
        pair: dict[str, Any] = answer.json()
        return pair


def register(name: str, client: httpx.Client) -> User:
    """Register a throwaway user and return it."""
    credentials = Credentials.throwaway(name)
    body = {"username": credentials.username, "password": credentials.password}
    answer = client.post("/register", json=body)
    if answer.status_code != 201:
        raise RuntimeError(f"could not register {name}: {answer.status_code} {answer.text}")
    return User(name, client, credentials)
