"""The suite fails where it should: the same function that judges Ostiary finds each deliberate fault."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from . import files
from .broken_app import FAULTS, OWNERS, SLOW, UNREACHABLE
from .report import Report
from .runner import SLOWEST_ANSWER, Plan, installed_checks, run_contract
from .server import running
from .watch import Answer, Watch

pytestmark = pytest.mark.own_server

EXAMPLES = 8
APP = Path(__file__).with_name("broken_app.py")

FOUND_BY = {
    "undocumented_status": "status_code_conformance",
    "missing_field": "response_schema_conformance",
    "ignored_token": "ignored_auth",
    "wrong_type": "response_schema_conformance",
    "wrong_content_type": "content_type_conformance",
    "missing_header": "response_headers_conformance",
    "server_error": "not_a_server_error",
    "accepts_anything": "negative_data_rejection",
    "refuses_good_data": "positive_data_acceptance",
    "no_allow_header": "unsupported_method",
    "strangers_may_read": "object_level_authorization",
    "deleted_but_there": "use_after_free",
    "created_but_absent": "ensure_resource_availability",
    "wrong_allow_header": "allow_header_conformance",
    "ignored_header": "missing_required_header",
    "slow": "max_response_time",
}


@dataclass(frozen=True)
class HolderOf:
    """Somebody whose token never changes."""

    name: str
    bearer: str

    def token(self) -> str:
        return self.bearer

    def token_of_a_new_session(self) -> str:
        return self.bearer

    def token_of_a_new_user(self) -> str:
        return self.bearer


def judge(fault: str, directory: Path) -> tuple[Report, Watch]:
    people = [HolderOf(name, token) for token, name in OWNERS.items()]
    with running([sys.executable, str(APP), fault], {}, directory) as server:
        document = httpx.get(server.url + "/openapi.json").json()
        slowest = SLOW / 2 if fault == "slow" else SLOWEST_ANSWER
        watch = Watch(document)
        report = Report(on_answer=partial(watch.note, by="Schemathesis"))
        run_contract(server.url, document, people, Plan(max_examples=EXAMPLES, slowest=slowest), report=report)
        return report, watch


def test_there_is_a_fault_for_every_check_of_the_installed_version() -> None:
    assert set(FOUND_BY.values()) == set(installed_checks())
    assert FOUND_BY.keys() == set(FAULTS)


def test_the_unbroken_app_passes(tmp_path: Path) -> None:
    report, watch = judge("none", tmp_path)
    assert report.is_clean, report.failures()
    assert watch.unreached() == []


def test_a_documented_status_that_nothing_reaches_is_found(tmp_path: Path) -> None:
    report, watch = judge(UNREACHABLE, tmp_path)
    assert report.is_clean, report.failures()
    assert watch.unreached() == [Answer("GET /notes/{note_id}", 418, "")]
    assert any(line.split() == ["GET", "/notes/{note_id}", "418", "0", "nothing"] for line in files.table(watch))
    written = tmp_path / "answers.xml"
    files.write_answers(written, watch, needed=True)
    (failed,) = ET.parse(written).iterfind(".//testcase[failure]")
    assert (failed.get("classname"), failed.get("name")) == ("GET /notes/{note_id}", "418")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_app_fails(fault: str, tmp_path: Path) -> None:
    report, _ = judge(fault, tmp_path)
    assert not report.is_clean
    assert FOUND_BY[fault] in {finding.check for finding in report.findings.values()}, report.failures()
    assert "curl -X" in report.failures()
