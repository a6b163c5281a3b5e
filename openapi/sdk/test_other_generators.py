"""Other generators accept the contract, and what they make of it compiles strictly. Nothing of it is shipped."""

import shutil
from pathlib import Path

import pytest

from openapi.node import MODULES, tool
from openapi.processes import succeeded
from openapi.sdk.build import TYPESCRIPT, Contract
from openapi.sdk.users import compiled

TESTS = TYPESCRIPT / "tests"
BUNDLED = {"module": "ESNext", "moduleResolution": "Bundler"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with openapi-fetch within reach."""
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}\n')
    return tmp_path


def schema_of(contract: Contract, project: Path) -> None:
    """Generate schema.d.ts; from the project's directory, because the generator takes a redocly.yaml that it finds."""
    succeeded(tool("openapi-typescript", contract.path, "--output", "schema.d.ts", directory=project))


def client_of(contract: Contract, project: Path, client: str) -> None:
    """Generate orval/api.ts."""
    where = ("--input", contract.path, "--output", project / "orval" / "api.ts")
    succeeded(tool("orval", *where, "--client", client, "--fail-on-warnings", directory=project))


def test_openapi_typescript_with_openapi_fetch(contract: Contract, project: Path) -> None:
    schema_of(contract, project)
    shutil.copy(TESTS / "with-openapi-fetch.ts", project)
    succeeded(compiled(project, "with-openapi-fetch.ts", "schema.d.ts"))


def test_orval(contract: Contract, project: Path) -> None:
    client_of(contract, project, "fetch")
    shutil.copy(TESTS / "with-orval.ts", project)
    succeeded(compiled(project, "with-orval.ts", "orval/api.ts", **BUNDLED))


def test_they_accept_the_contract_of_tomorrow(tomorrow: Contract, project: Path) -> None:
    schema_of(tomorrow, project)
    client_of(tomorrow, project, "fetch")
    succeeded(compiled(project, "schema.d.ts", "orval/api.ts", **BUNDLED))
