"""The SDKs as they are shipped, users who have installed them, and a server for them to talk to."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.server import QUICK, create_service_client, ostiary, running
from contract_tests.services import ServiceClient
from openapi.sdk.build import CONTRACT, Contract, build_python, build_typescript
from openapi.sdk.future import future
from openapi.sdk.users import PythonUser, TypeScriptUser


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The committed contract."""
    return Contract(CONTRACT)


@pytest.fixture(scope="session")
def tomorrow(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """A contract with what later versions will have."""
    path = tmp_path_factory.mktemp("tomorrow") / "openapi.json"
    path.write_text(json.dumps(future(contract.document)))
    return Contract(path)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server has its data."""
    return tmp_path_factory.mktemp("ostiary")


@pytest.fixture(scope="session")
def server(data: Path) -> Iterator[str]:
    """The address of a server, started as a user starts it, on a free port and with data of its own."""
    with running([*ostiary(), "serve"], QUICK, data) as process:
        yield process.url


@pytest.fixture(scope="session")
def service(data: Path) -> ServiceClient:
    """A service client of that server."""
    return create_service_client(QUICK, data)


@pytest.fixture(scope="session")
def python_sdk(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheel and the sdist."""
    return build_python(contract, tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="session")
def python_user(python_sdk: list[Path], tmp_path_factory: pytest.TempPathFactory) -> PythonUser:
    """Somebody who has installed the wheel."""
    user = PythonUser(tmp_path_factory.mktemp("python-user"))
    user.install(python_sdk[0])
    return user


@pytest.fixture(scope="session")
def typescript_sdk(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tarball."""
    return build_typescript(contract, tmp_path_factory.mktemp("typescript"))


@pytest.fixture(scope="session")
def typescript_user(typescript_sdk: Path, tmp_path_factory: pytest.TempPathFactory) -> TypeScriptUser:
    """Somebody who has installed the tarball."""
    user = TypeScriptUser(tmp_path_factory.mktemp("typescript-user"))
    user.install(typescript_sdk)
    return user
