"""`python -m tests.support.journey`: one journey through the application; prints the modules that were imported on it.

The settings come from the environment; the database is migrated.
"""

import asyncio
import json
import sys
from typing import Any

from ostiary import settings as settings_module
from ostiary.app import create_asgi, prepare
from ostiary.server.asgi import AsgiApp
from ostiary.settings import Settings
from tests.support.asgi import Answer, call, lifespan

PASSWORD = "correct horse battery"


async def ask(
    app: AsgiApp, method: str, path: str, body: Any = None, token: str = "", *, headers: dict[str, str] | None = None
) -> Answer:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Length": str(len(raw)), **(headers or {})}
    if body is not None:
        fields.setdefault("Content-Type", "application/json")
    if token:
        fields["Authorization"] = f"Bearer {token}"
    answer = await call(app, path, method, headers=fields, chunks=[raw] if raw else [])
    assert answer is not None
    assert answer.status < 500, (path, answer)
    return answer


async def travel(app: AsgiApp) -> None:
    ada = {"username": "ada", "password": PASSWORD}
    await ask(app, "POST", "/register", ada, headers={"Idempotency-Key": "one"})
    await ask(app, "POST", "/register", ada, headers={"Idempotency-Key": "one"})
    await ask(app, "POST", "/register", ada)
    await ask(app, "POST", "/register", {"username": "x"})
    await ask(app, "POST", "/register", b"{")
    await ask(app, "POST", "/register", {"username": "bob", "password": "password123"})
    await ask(app, "POST", "/login", {"username": "ada", "password": "another password"})
    pair = json.loads((await ask(app, "POST", "/login", ada)).body)
    token = pair["access_token"]
    await ask(app, "GET", "/protected", token=token)
    await ask(app, "GET", "/protected", token="eyJ.e.x")
    await ask(app, "GET", "/protected/admin", token=token)
    await ask(app, "GET", "/me", token=token)
    await ask(app, "PATCH", "/me", {"username": "ada2"}, token)
    await ask(app, "GET", "/me/sessions", token=token)
    await ask(app, "GET", "/me/audit-events", token=token)
    made = await ask(app, "POST", "/me/api-keys", {"name": "robot", "scopes": ["me:read"]}, token)
    await ask(app, "GET", "/me", token=json.loads(made.body).get("key", json.loads(made.body).get("api_key", "")))
    await ask(app, "POST", "/me/reauthenticate", {"password": PASSWORD}, token)
    await ask(app, "POST", "/refresh", {"refresh_token": pair["refresh_token"]})
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic dTpw"}
    await ask(app, "POST", "/oauth/introspect", b"token=x", headers=form)
    await ask(app, "GET", "/users?limit=2", token=token)
    for path in (
        "/readyz",
        "/healthz",
        "/openapi.json",
        "/docs",
        "/problems/overloaded",
        "/.well-known/jwks.json",
        "/x",
    ):
        await ask(app, "GET", path, headers={"Accept-Encoding": "gzip"})
    await ask(app, "POST", "/me/password", {"current_password": PASSWORD, "new_password": PASSWORD + " 2"}, token)
    await ask(app, "POST", "/logout", token=token)
    await ask(app, "DELETE", "/me", token=token)


async def main(settings: Settings) -> None:
    app = create_asgi(settings)
    async with lifespan(app):
        before = set(sys.modules)
        await travel(app)
        sys.stdout.write("\n".join(sorted(set(sys.modules) - before)) + "\n")


if __name__ == "__main__":
    asyncio.run(main(prepare(settings_module.read())))
