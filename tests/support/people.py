"""People who use an application under test."""

from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from ostiary.features.accounts.service import Accounts
from ostiary.features.roles.models import RolePermissionRow, RoleRow
from ostiary.persistence.transaction import Transaction
from tests.conftest import App

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Somebody who has registered and logged in."""

    app: App
    username: str
    tokens: dict[str, Any]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def get(self, path: str) -> TestResponse:
        return self.app.client.get(path, headers=self.bearer)

    def post(self, path: str, **kwargs: Any) -> TestResponse:
        return self.app.client.post(path, headers=self.bearer, **kwargs)


def register(app: App, username: str = "ada", roles: tuple[str, ...] = ()) -> None:
    for role in set(roles) - {"admin"}:
        make_role(app, role)
    app.run(app.services.get(Accounts).register, username, PASSWORD, roles)


def make_role(app: App, name: str, *permissions: str) -> None:
    """Make a role, unless there is one of this name."""

    async def add(tx: Transaction) -> None:
        if await tx.session.get(RoleRow, name) is None:
            tx.session.add(RoleRow(name=name, description="", version=1, created_at=app.clock.now()))
            await tx.session.flush()
            tx.session.add_all(RolePermissionRow(role=name, permission=one) for one in permissions)

    app.run(app.services.database.write, add)


def log_in(app: App, username: str = "ada") -> Person:
    answer = app.client.post("/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Person(app, username, answer.json)


def person(app: App, username: str = "ada", roles: tuple[str, ...] = ()) -> Person:
    register(app, username, roles)
    return log_in(app, username)


def refresh(app: App, refresh_token: str) -> TestResponse:
    return app.client.post("/refresh", json={"refresh_token": refresh_token})
