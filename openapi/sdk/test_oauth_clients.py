"""Client libraries that know nothing of Ostiary: what they read of OAuth is what the RFCs say."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from contract_tests.people import Credentials, User, register
from contract_tests.server import QUICK, clean_environment, create_service_client, ostiary, running
from contract_tests.services import ServiceClient
from openapi.node import MODULES, node
from openapi.processes import succeeded
from openapi.sdk.users import compiled

PROGRAMS = Path(__file__).parent / "oauth"


@dataclass(frozen=True)
class World:
    """A server whose issuer is its own address, and the service clients that ask it."""

    url: str
    client: ServiceClient
    asker: ServiceClient
    administrator: Credentials

    def facts(self) -> dict[str, str]:
        """Return what a program needs to know, with a session that nobody else uses."""
        with httpx.Client(base_url=self.url) as client:
            user = register("buyer", client)
            pair = user.log_in()
            bearer = {"Authorization": f"Bearer {user.token()}"}
            made = client.post("/me/api-keys", json={"name": "robot", "scopes": ["me:read"]}, headers=bearer)
        return {
            "url": self.url,
            "client_id": self.client.client_id,
            "client_secret": self.client.secret,
            "asker_id": self.asker.client_id,
            "asker_secret": self.asker.secret,
            "username": user.credentials.username,
            "access_token": pair["access_token"],
            "refresh_token": pair["refresh_token"],
            "api_key": made.json()["api_key"],
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("oauth")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    settings = QUICK | {"OSTIARY_PORT": str(port)}

    def command(*arguments: str, given: str = "") -> str:
        environment = clean_environment(settings)
        line = [*ostiary(), *arguments]
        return subprocess.run(
            line, cwd=directory, env=environment, check=True, capture_output=True, text=True, input=given
        ).stdout

    with running([*ostiary(), "serve"], settings, directory) as process:
        asker = dict(line.split(": ") for line in command("clients", "create", "asker").splitlines())
        boss = Credentials.throwaway("boss")
        command("users", "create", boss.username, "--role", "admin", "--password-stdin", given=f"{boss.password}\n")
        client = create_service_client(settings, directory)
        yield World(process.url, client, ServiceClient(asker["client_id"], asker["client_secret"]), boss)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the programs, which compile strictly."""
    directory = tmp_path_factory.mktemp("programs")
    (directory / "node_modules").symlink_to(MODULES)
    (directory / "package.json").write_text('{"type": "module", "private": true}\n')
    files = [Path(shutil.copy(file, directory)).name for file in PROGRAMS.glob("*.ts")]
    succeeded(compiled(directory, *files))
    return directory


@pytest.mark.parametrize("library", ["oauth4webapi", "openid-client", "jose"])
def test_a_javascript_library_understands_the_server(library: str, programs: Path, world: World) -> None:
    """Discovery, introspection, revocation and their errors, and the validation of tokens."""
    answer = node(programs / f"{library}.ts", json.dumps(world.facts()), directory=programs)
    assert succeeded(answer) == "understood\n"


class Validator(JWTBearerTokenValidator):
    """Authlib's validator by RFC 9068, with the published keys."""

    def get_jwks(self) -> KeySet:
        """Fetch the keys."""
        metadata = httpx.get(f"{self.issuer}/.well-known/oauth-authorization-server").json()
        return KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())


def test_authlib_validates_tokens_of_users_with_and_without_roles(world: World) -> None:
    validator = Validator(world.url, world.url)
    with httpx.Client(base_url=world.url) as client:
        user = register("buyer", client)
        administrator = User("boss", client, world.administrator)
        for person, roles in ((user, None), (administrator, ["admin"])):
            claims = validator.authenticate_token(person.token())
            validator.validate_token(claims, ["me:read"], None, roles=roles)
            assert claims.get("roles") == roles
        with pytest.raises(InvalidTokenError):
            validator.validate_token(validator.authenticate_token(user.token()), [], None, roles=["admin"])
        elsewhere = Validator(world.url, "https://other.example")
        with pytest.raises(InvalidTokenError):
            elsewhere.validate_token(elsewhere.authenticate_token(user.token()), [], None)
