"""`ostiary contract-test`: the contract tests as a user runs them, against a deployment that exists already."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from ostiary import cli
from tests.support.servers import ServerProcess, environment_without_settings, running, start_process
from tests.support.settings import CHEAP

pytestmark = pytest.mark.uncounted  # a server and the kit, each a process of its own

ADMINISTRATOR = "operator"
THOSE_BEFORE = ["example-admin", ADMINISTRATOR]
PASSWORD = "a password of the operator"
HANGS = 1800
"""Seconds: no run takes so long, on no machine, however busy."""
SETTINGS = {"OSTIARY_PORT": "0", **{f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}}

BROKEN = '''
"""Ostiary, but its login answers a token type that the contract does not have."""
from ostiary.app import create_app

app = create_app()

@app.after_request
def break_the_contract(answer):
    answer.direct_passthrough = False
    answer.set_data(answer.get_data().replace(b'"token_type":"Bearer"', b'"token_type":"MAC"'))
    return answer
'''


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    create = ["-m", "ostiary.cli", "users", "create", ADMINISTRATOR, "--role", "admin", "--password-stdin"]
    environment = {**environment_without_settings(), "OSTIARY_DATA_DIR": str(tmp_path / "data"), **SETTINGS}
    subprocess.run([sys.executable, "-m", "ostiary.cli", "migrate"], env=environment, check=True)
    subprocess.run([sys.executable, *create], env=environment, input=f"{PASSWORD}\n", text=True, check=True)
    with running(["serve"], environment, tmp_path) as process:
        yield process


def contract_test(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ostiary.cli", "contract-test", *arguments]
    return subprocess.run(
        command,
        check=False,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=HANGS,
    )


CASES = "phase or every_answer"


def users(directory: Path) -> list[str]:
    with sqlite3.connect(directory / "data" / "ostiary.db") as connection:
        return [name for (name,) in connection.execute("SELECT username FROM users ORDER BY username")]


def test_a_deployment_that_keeps_its_contract_passes_and_is_left_as_it_was(
    server: ServerProcess, tmp_path: Path
) -> None:
    ran = contract_test(
        tmp_path,
        f"--url={server.url}",
        f"--admin-username={ADMINISTRATOR}",
        "--max-examples=5",
        CONTRACT_ADMIN_PASSWORD=PASSWORD,
    )
    assert ran.returncode == 0, ran.stdout
    assert "cases, fuzzing: " in ran.stdout  # progress, while it ran
    assert "contract cases run: " in ran.stdout
    assert users(tmp_path) == THOSE_BEFORE

    report = tmp_path / "contract-report"
    page = (report / "contract.html").read_text()
    assert "No tests failed." in page
    assert "GET /protected/admin" in page
    tests = ET.parse(report / "tests.xml").getroot()
    assert not tests.findall(".//failure")
    assert len(tests.findall(".//testcase")) > 100
    answers = ET.parse(report / "answers.xml").getroot()
    named = {(case.get("classname"), case.get("name")): case for case in answers.iter("testcase")}
    assert named["POST /login", "200"].find("skipped") is None
    assert named["POST /login", "503 overloaded"].find("skipped") is not None  # nobody's deployment is driven so far
    assert not answers.findall(".//failure")


def test_a_deployment_that_breaks_its_contract_fails_with_a_curl_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    environment = {"OSTIARY_DATA_DIR": str(tmp_path / "data"), "OSTIARY_CONTRACT_CHECKS": "off", **SETTINGS}
    broken = start_process(["-m", "flask", "--app", "broken", "run", "--port", "0"], environment, tmp_path)
    broken.wait_until_ready()
    try:
        ran = contract_test(tmp_path, f"--url={broken.url}", "--max-examples=5", "--", "-k", "every_answer")
    finally:
        broken.stop()
    assert ran.returncode == 1, ran.stdout
    assert "POST /login: response_schema_conformance" in ran.stdout
    assert "curl -X POST" in ran.stdout
    assert users(tmp_path) == []
    page = (tmp_path / "contract-report" / "contract.html").read_text()
    assert "test_every_answer_is_what_the_contract_says" in page
    assert "curl -X POST" in page
    assert ET.parse(tmp_path / "contract-report" / "tests.xml").getroot().findall(".//failure")


@pytest.mark.parametrize("budget", [1, 30], ids=["too short for every phase", "long enough"])
def test_a_time_budget_is_used_after_every_phase_has_run(server: ServerProcess, tmp_path: Path, budget: int) -> None:
    ran = contract_test(
        tmp_path, f"--url={server.url}", f"--time-budget={budget}", "--report-dir=here", "--", "-k", CASES
    )
    assert ran.returncode == 0, ran.stdout
    assert f" of {budget} s, " in ran.stdout
    for phase in ("examples", "coverage", "fuzzing", "stateful"):
        assert f"contract cases run in the phase {phase}: " in ran.stdout
    assert (tmp_path / "here" / "contract.html").exists()
    assert users(tmp_path) == THOSE_BEFORE


def test_the_same_seed_sends_the_same_cases(server: ServerProcess, tmp_path: Path) -> None:
    arguments = (f"--url={server.url}", "--seed=7", "--max-examples=5", "--", "-k", "every_answer")
    first, second = (contract_test(tmp_path, *arguments).stdout for _ in range(2))
    line = "contract cases run in the phase coverage: "
    assert first.partition(line)[2].partition("\n")[0] == second.partition(line)[2].partition("\n")[0] != ""
    assert "contract seed: 7" in first


def test_an_address_where_nobody_answers_is_an_error(tmp_path: Path) -> None:
    ran = contract_test(tmp_path, "--url=http://127.0.0.1:9", "--", "-x")
    assert ran.returncode == 1
    assert "nobody answers at http://127.0.0.1:9" in ran.stdout


def test_the_help_tells_the_options(tmp_path: Path) -> None:
    told = contract_test(tmp_path, "--help").stdout
    for option in ("--url", "--time-budget", "--seed", "--report-dir", "--admin-username", "--client-id"):
        assert option in told


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "schemathesis" else object())
    ran = CliRunner().invoke(cli.main, ["contract-test", "--url", "http://127.0.0.1:9"])
    assert ran.exit_code == 2
    assert ran.output == "ostiary: the contract tests need more packages: pip install 'ostiary[contract]'\n"
