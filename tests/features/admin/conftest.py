"""Administrators at work."""

from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.conftest import App
from tests.support.people import PASSWORD, Person, make_role, person


@dataclass
class Desk:
    """Somebody who calls the operations of administration."""

    who: Person

    def call(self, method: str, path: str, etag: str | None = None, **kwargs: Any) -> TestResponse:
        headers = {**self.who.bearer, **({} if etag is None else {"If-Match": etag})}
        return self.who.app.client.open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def create(self, username: str, **members: Any) -> TestResponse:
        return self.call("POST", "/users", json={"username": username, "password": PASSWORD, **members})

    def etag(self, path: str) -> str:
        found: str = self.get(path).headers["ETag"]
        return found

    def change(self, user_id: str, **members: Any) -> TestResponse:
        path = f"/users/{user_id}"
        return self.call("PATCH", path, self.etag(path), json=members)

    def set_roles(self, user_id: str, *roles: str) -> TestResponse:
        return self.call("PUT", f"/users/{user_id}/roles", self.etag(f"/users/{user_id}"), json={"roles": list(roles)})

    def delete(self, user_id: str) -> TestResponse:
        return self.call("DELETE", f"/users/{user_id}", self.etag(f"/users/{user_id}"))


@pytest.fixture
def desk(app: App) -> Desk:
    """The desk of the only administrator."""
    return Desk(person(app, "root", ("admin",)))


def desk_of(app: App, username: str, *permissions: str) -> Desk:
    """The desk of somebody with these permissions and no others."""
    role = f"role-of-{username}"
    make_role(app, role, *permissions)
    return Desk(person(app, username, (role,)))


def id_of(someone: Person) -> str:
    found: str = someone.get("/me").json["id"]
    return found
