"""Clients in other languages: the commands of docs/sdk.md generate, compile and run them against a server."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

from openapi.generators.page import commands, follow, save_journey
from openapi.node import install
from openapi.sdk.build import CONTRACT, Contract
from tests.support.programs import program

SCHEMAS = Contract(CONTRACT).document["components"]["schemas"]
PROBLEMS = Contract(CONTRACT).problems

JARS = Path("/usr/share/java")
"""Where Debian puts libraries of Java."""


def journey(name: str) -> list[str]:
    """Return what each program prints about the user `name`."""
    return [f"registered {name}", "refused username_taken", "refused authentication_required", f"logged in {name}"]


def last_lines(printed: str) -> list[str]:
    """Return the four lines that the journey prints, after those of the generator."""
    return printed.splitlines()[-4:]


def class_path() -> str:
    """Return where the libraries are that a generated Java client needs.

    OpenAPI Generator's own archive holds Jackson with its module for java.time, which Debian does not package; the
    others are Debian's libjakarta-annotation-api-java and libhttpmime-java.
    """
    specification = importlib.util.find_spec("openapi_generator_cli")
    assert specification
    assert specification.origin
    archives = [
        Path(specification.origin).parent / "openapi-generator.jar",
        JARS / "jakarta-annotation-api.jar",
        JARS / "httpmime.jar",
    ]
    missing = [str(archive) for archive in archives if not archive.exists()]
    if missing and os.environ.get("OSTIARY_TEST_PROXIES"):
        pytest.fail(f"OSTIARY_TEST_PROXIES is set, and there is no {' or '.join(missing)}")
    if missing:
        pytest.skip(f"no {' or '.join(missing)} on this machine")
    return os.pathsep.join(map(str, archives))


def test_go_client_compiles_and_completes_the_journey(server: str, tmp_path: Path) -> None:
    program("java")
    program("go")
    save_journey("journey.go", tmp_path)
    printed = follow(commands("Go"), tmp_path, server, NAME="gopher")
    assert last_lines(printed) == journey("gopher")


def test_java_client_compiles_and_completes_the_journey(server: str, tmp_path: Path) -> None:
    program("javac")
    save_journey("Journey.java", tmp_path)
    printed = follow(commands("Java"), tmp_path, server, NAME="duke", CLASSPATH=class_path())
    assert last_lines(printed) == journey("duke")


def test_python_client_passes_mypy_and_completes_the_journey(server: str, tmp_path: Path) -> None:
    program("java")
    save_journey("journey.py", tmp_path)
    printed = follow(commands("Python, with OpenAPI Generator"), tmp_path, server, NAME="monty")
    assert last_lines(printed) == journey("monty")


def test_python_models_keep_the_names_of_the_contract_and_pass_mypy(server: str, tmp_path: Path) -> None:
    follow(commands("Python models only"), tmp_path, server)
    models = (tmp_path / "models.py").read_text()
    names = set(re.findall(r"^(?:class )?(\w+)(?:\(| = )", models, re.MULTILINE))
    assert [name for name in SCHEMAS if name not in names] == []
    assert [name for name in names if name[-1].isdigit()] == []
    codes = [schema["properties"]["code"]["const"] for name, schema in SCHEMAS.items() if name in PROBLEMS]
    assert [code for code in codes if not re.search(rf"code: Annotated\[\s*Literal\['{code}'\]", models)] == []


def test_typescript_fetch_client_compiles_and_completes_the_journey(server: str, tmp_path: Path) -> None:
    program("java")
    save_journey("typescript-fetch.ts", tmp_path, "journey.ts")
    printed = follow(commands("TypeScript, with OpenAPI Generator"), tmp_path, server, install(), NAME="anders")
    assert last_lines(printed) == journey("anders")


def test_openapi_typescript_client_compiles_and_completes_the_journey(server: str, tmp_path: Path) -> None:
    save_journey("openapi-fetch.ts", tmp_path, "journey.ts")
    printed = follow(commands("TypeScript, with openapi-typescript"), tmp_path, server, install(), NAME="drew")
    assert last_lines(printed) == journey("drew")
