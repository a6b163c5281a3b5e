"""The resource servers in docs/examples/ accept what Ostiary has issued, and nothing else."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contract_tests.people import register
from contract_tests.server import QUICK, clean_environment, ostiary, running
from openapi.node import HERE as OPENAPI
from openapi.node import MODULES, NODE, install

EXAMPLES = OPENAPI.parent / "docs" / "examples"
PAGE = OPENAPI.parent / "docs" / "keys.md"
ISSUER = "https://auth.example.org"
AUDIENCE = "https://api.example.org"
SETTINGS = QUICK | {"OSTIARY_ISSUER": ISSUER, "OSTIARY_AUDIENCE": AUDIENCE}
LEEWAY = 5
UVICORN = """
import sys, uvicorn
sys.path.insert(0, sys.argv[1])
from main import app
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(f"listens at http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)
Server(uvicorn.Config(app, port=0)).run()
"""


@dataclass(frozen=True)
class World:
    """A running Ostiary, and tokens of it and of others."""

    url: str
    directory: Path
    good: str
    expired: str
    for_others: str
    issued_by_others: str

    def log_in(self) -> str:
        """Return the access token of a new user."""
        with httpx.Client(base_url=self.url) as client:
            return register("buyer", client).token()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("world")

    def token_of(**settings: str) -> str:
        """A token signed by the same key, from a node with other settings."""
        with (
            running([*ostiary(), "serve"], SETTINGS | settings, directory) as node,
            httpx.Client(base_url=node.url) as client,
        ):
            return register("buyer", client).token()

    with running([*ostiary(), "serve"], SETTINGS, directory) as process:
        expired = token_of(OSTIARY_ACCESS_TOKEN_SECONDS="1")
        for_others = token_of(OSTIARY_AUDIENCE="https://other.example.org")
        issued_by_others = token_of(OSTIARY_ISSUER="https://other.example.org")
        with httpx.Client(base_url=process.url) as client:
            good = register("buyer", client).token()
        time.sleep(LEEWAY + 2)
        yield World(process.url, directory, good, expired, for_others, issued_by_others)


@pytest.fixture(scope="module", params=["fastapi", "express"])
def orders(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a resource server's operation."""
    directory = tmp_path_factory.mktemp(request.param)
    variables = {"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "JWKS_URI": f"{world.url}/.well-known/jwks.json", "PORT": "0"}
    if request.param == "fastapi":
        command = [sys.executable, "-c", UVICORN, str(EXAMPLES / "fastapi")]
    else:
        install()
        shutil.copytree(EXAMPLES / "express", directory, dirs_exist_ok=True)
        (directory / "node_modules").symlink_to(MODULES)
        command = [str(NODE), "server.js"]
    with ExitStack() as stack:
        process = stack.enter_context(running(command, variables, directory))
        yield f"{process.url}/orders"


def ask(orders: str, authorization: str | None) -> httpx.Response:
    return httpx.get(orders, headers={} if authorization is None else {"Authorization": authorization}, timeout=30)


def test_a_token_is_accepted(orders: str, world: World) -> None:
    answer = ask(orders, f"Bearer {world.good}")
    subject = jwt.decode(world.good, options={"verify_signature": False})["sub"]
    assert (answer.status_code, answer.json()) == (200, {"user": subject, "orders": []})


def forged(world: World) -> dict[str, str]:
    claims = jwt.decode(world.good, options={"verify_signature": False})
    header = jwt.get_unverified_header(world.good)
    stranger = ec.generate_private_key(ec.SECP256R1())
    return {
        "of a stranger": jwt.encode(claims, stranger, "ES256", header),
        "of an unknown key": jwt.encode(claims, stranger, "ES256", header | {"kid": "unknown"}),
        "without a key": jwt.encode(claims, stranger, "ES256", {"typ": "at+jwt"}),
        "unsigned": jwt.encode(claims, None, "none", {"typ": "at+jwt", "kid": header["kid"]}),
        "by a shared secret": jwt.encode(claims, "x" * 32, "HS256", {"typ": "at+jwt", "kid": header["kid"]}),
        "altered": f"{world.good[:-8]}AAAAAAAA",
        "nonsense": "nonsense",
    }


def test_anything_else_is_refused(orders: str, world: World) -> None:
    assert (refused := ask(orders, None)).status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    others = {
        "expired": world.expired,
        "for others": world.for_others,
        "issued by others": world.issued_by_others,
        **forged(world),
    }
    for name, token in others.items():
        answer = ask(orders, f"Bearer {token}")
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"'), name


def test_a_rotation_is_followed_without_a_restart(orders: str, world: World) -> None:
    before = world.log_in()
    command = [*ostiary(), "keys", "rotate", "--now"]
    subprocess.run(command, cwd=world.directory, env=clean_environment(SETTINGS), check=True, capture_output=True)
    after = world.log_in()
    assert jwt.get_unverified_header(before)["kid"] != jwt.get_unverified_header(after)["kid"]
    time.sleep(1.1)  # the example fetches unknown keys at most each second
    for token in (after, before):
        assert ask(orders, f"Bearer {token}").status_code == 200


def test_the_page_shows_the_examples_as_they_are() -> None:
    text = PAGE.read_text()
    for path in ("fastapi/main.py", "express/server.js"):
        assert (EXAMPLES / path).read_text() in text, path


def test_the_examples_name_the_versions_that_are_tested() -> None:
    told = json.loads((EXAMPLES / "express" / "package.json").read_text())["dependencies"]
    tested = json.loads((OPENAPI / "package.json").read_text())["devDependencies"]
    assert told.items() <= tested.items()
    needed = (OPENAPI.parent / "pyproject.toml").read_text()
    for line in (EXAMPLES / "fastapi" / "requirements.txt").read_text().splitlines():
        assert re.sub(r"\[.*\]", "", line) in needed
