"""The Python SDK, as it is shipped."""

import tarfile
import zipfile
from pathlib import Path

from contract_tests.services import ServiceClient
from openapi.processes import succeeded
from openapi.sdk.build import PYTHON, Contract, generate_python
from openapi.sdk.users import PythonUser

TESTS = PYTHON / "tests"


def test_it_is_a_wheel_and_an_sdist_of_the_contracts_version(contract: Contract, python_sdk: list[Path]) -> None:
    wheel, sdist = python_sdk
    version = contract.document["info"]["version"]
    assert wheel.name == f"ostiary_client-{version}-py3-none-any.whl"
    assert sdist.name == f"ostiary_client-{version}.tar.gz"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"ostiary_client-{version}.dist-info/METADATA").decode()
    assert {"ostiary_client/__init__.py", "ostiary_client/py.typed"} <= names
    assert {name.split("/")[0] for name in names} == {"ostiary_client", f"ostiary_client-{version}.dist-info"}
    assert any("licenses/LICENSE" in name for name in names)
    for operation in contract.operations:
        assert operation["summary"] in metadata
    with tarfile.open(sdist) as archive:
        assert f"ostiary_client-{version}/README.md" in archive.getnames()


def test_a_user_goes_the_whole_way(python_user: PythonUser, server: str, service: ServiceClient) -> None:
    arguments = (server, service.client_id, service.secret)
    assert succeeded(python_user.run(TESTS / "journey.py", *arguments)) == "arrived\n"


def test_it_bears_a_newer_server(python_user: PythonUser) -> None:
    assert succeeded(python_user.run(TESTS / "newer_server.py")) == "borne\n"


def test_mypy_accepts_its_users_and_refuses_their_mistakes(python_user: PythonUser) -> None:
    programs = sorted(TESTS.glob("*.py"))
    assert len(programs) == 4
    succeeded(python_user.check(*(program for program in programs if program.name != "future.py")))


def test_mypy_accepts_the_package_itself(contract: Contract, tmp_path: Path) -> None:
    package = generate_python(contract, tmp_path / "generated")
    succeeded(PythonUser(tmp_path, package.parent).check(package))


def test_it_can_be_generated_from_the_contract_of_tomorrow(tomorrow: Contract, tmp_path: Path) -> None:
    package = generate_python(tomorrow, tmp_path / "generated")
    succeeded(PythonUser(tmp_path, package.parent).check(package, TESTS / "future.py"))
