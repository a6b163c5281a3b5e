"""The TypeScript SDK, as it is shipped."""

import json
import tarfile
from pathlib import Path

import pytest

from contract_tests.services import ServiceClient
from openapi.processes import succeeded
from openapi.sdk.build import TYPESCRIPT, Contract, build_typescript
from openapi.sdk.users import TypeScriptUser

TESTS = TYPESCRIPT / "tests"


def test_it_is_a_package_of_the_contracts_version_that_needs_no_other(contract: Contract, typescript_sdk: Path) -> None:
    version = contract.document["info"]["version"]
    assert typescript_sdk.name == f"ostiary-client-{version}.tgz"
    with tarfile.open(typescript_sdk) as archive:
        files = {name: archive.extractfile(name) for name in archive.getnames()}
        content = {name: found.read().decode() for name, found in files.items() if found}
    package = json.loads(content["package/package.json"])
    assert package["version"] == version
    assert package["description"] == contract.document["info"]["summary"]
    assert "dependencies" not in package
    assert {"package/dist/index.js", "package/dist/index.d.ts", "package/LICENSE"} <= content.keys()
    assert not [name for name in content if name.endswith(".ts") and not name.endswith(".d.ts")]
    for operation in contract.operations:
        assert operation["summary"] in content["package/README.md"]


@pytest.fixture(scope="module")
def user(typescript_user: TypeScriptUser) -> TypeScriptUser:
    """Somebody whose programs compile, and whose mistakes do not (must-not-compile.ts)."""
    programs = [TESTS / f"{name}.ts" for name in ("journey", "must-not-compile", "newer-server")]
    succeeded(typescript_user.check(*programs))
    return typescript_user


def test_a_user_goes_the_whole_way(user: TypeScriptUser, server: str, service: ServiceClient) -> None:
    arguments = (server, service.client_id, service.secret)
    assert succeeded(user.run(TESTS / "journey.ts", *arguments)) == "arrived\n"


def test_it_bears_a_newer_server(user: TypeScriptUser) -> None:
    assert succeeded(user.run(TESTS / "newer-server.ts")) == "borne\n"


def test_it_can_be_generated_from_the_contract_of_tomorrow(tomorrow: Contract, tmp_path: Path) -> None:
    user = TypeScriptUser(tmp_path)
    user.install(build_typescript(tomorrow, tmp_path / "sdk"))
    succeeded(user.check(TESTS / "future.ts"))
