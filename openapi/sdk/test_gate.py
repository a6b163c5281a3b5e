"""The checks fail where they should: a contract that breaks its clients no longer lets their programs compile."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openapi.sdk.build import PYTHON, TYPESCRIPT, Contract, build_typescript, generate_python
from openapi.sdk.users import PythonUser, TypeScriptUser

Schemas = dict[str, dict[str, Any]]

BREAKS: dict[str, tuple[Callable[[Schemas], object], str, str]] = {
    "a member of an answer is gone": (
        lambda schemas: _drop(schemas["TokenPair"], "refresh_token"),
        r'"TokenPair" has no attribute "refresh_token"',
        r"'refresh_token' does not exist on type 'TokenPair'",
    ),
    "a member of an answer may be missing": (
        lambda schemas: schemas["TokenPair"]["required"].remove("expires_in"),
        r'Expression is of type "int \| Unset", not "int"',
        r"must-not-compile.ts\(\d+,\d+\): error TS2345",
    ),
    "a member of an answer may be null": (
        lambda schemas: schemas["ProtectedMessage"]["properties"]["message"].update(type=["string", "null"]),
        r'Expression is of type "str \| None", not "str"',
        r"'string \| null' is not assignable",
    ),
    "a body needs another member": (
        lambda schemas: _need(schemas["LoginBody"], "device"),
        r'Missing named argument "device"',
        r"Property 'device' is missing",
    ),
    "a code has another name": (
        lambda schemas: schemas["InvalidTokenProblem"]["properties"]["code"].update(enum=["dead_token"]),
        r"'dead_token'",
        r"""'"invalid_token"' have no overlap""",
    ),
    "a problem has lost a member": (
        lambda schemas: _drop(schemas["InsufficientRoleProblem"], "required_roles"),
        r'"InsufficientRoleProblem" has no attribute "required_roles"',
        r"'required_roles' does not exist on type 'InsufficientRoleProblem'",
    ),
}
"""What is broken in the schemas, and what mypy and tsc then have to complain about."""

RENAMED = ('"operationId": "getMe"', '"operationId": "getWhoever"')


def _drop(schema: dict[str, Any], name: str) -> None:
    del schema["properties"][name]
    schema["required"].remove(name)


def _need(schema: dict[str, Any], name: str) -> None:
    schema["properties"][name] = {"type": "string", "minLength": 1, "maxLength": 9}
    schema["required"].append(name)


@pytest.fixture(scope="module")
def broken(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """A contract with every break at once: an SDK takes seconds to build."""
    document = json.loads(contract.path.read_text().replace(*RENAMED))
    for change, _, _ in BREAKS.values():
        change(document["components"]["schemas"])
    path = tmp_path_factory.mktemp("broken") / "openapi.json"
    path.write_text(json.dumps(document))
    return Contract(path)


@pytest.fixture(scope="module")
def mypy(broken: Contract, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says to Python users of the broken contract."""
    directory = tmp_path_factory.mktemp("broken-python")
    package = generate_python(broken, directory / "generated")
    programs = [PYTHON / "tests" / f"{name}.py" for name in ("journey", "must_not_compile")]
    return PythonUser(directory, package.parent).check(*programs).stdout


@pytest.fixture(scope="module")
def tsc(broken: Contract, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What tsc says to TypeScript users of the broken contract."""
    user = TypeScriptUser(tmp_path_factory.mktemp("broken-typescript"))
    user.install(build_typescript(broken, user.directory / "sdk"))
    programs = [TYPESCRIPT / "tests" / f"{name}.ts" for name in ("journey", "must-not-compile")]
    return user.check(*programs).stdout


def _says(output: str, complaint: str) -> bool:
    """Tell whether a type checker complains so; what it says is shown where it does not."""
    assert re.search(complaint, output), output
    return True


@pytest.mark.parametrize("name", BREAKS)
def test_python_users_are_told(mypy: str, name: str) -> None:
    assert _says(mypy, BREAKS[name][1])


@pytest.mark.parametrize("name", BREAKS)
def test_typescript_users_are_told(tsc: str, name: str) -> None:
    assert _says(tsc, BREAKS[name][2])


def test_users_are_told_that_an_operation_is_renamed(mypy: str, tsc: str) -> None:
    assert _says(mypy, r'"MeCalls" has no attribute "get_me"')
    assert _says(tsc, r"'getMe' does not exist on type 'Me'")


def test_users_are_told_that_a_member_is_no_longer_nullable(tomorrow: Contract, tmp_path: Path) -> None:
    document = json.loads(tomorrow.path.read_text())
    document["components"]["schemas"]["User"]["properties"]["phone"]["type"] = "string"
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    package = generate_python(Contract(path), tmp_path / "generated")
    answer = PythonUser(tmp_path, package.parent).check(PYTHON / "tests" / "future.py")
    assert _says(answer.stdout, r'Expression is of type "str", not "str \| None"')
