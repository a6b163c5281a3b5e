"""Writes what a run has found into files: a page for people, and JUnit for CI servers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import jinja2

from .watch import Answer, Watch

HTML = "contract.html"
TESTS = "tests.xml"
ANSWERS = "answers.xml"

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
)


@dataclass(frozen=True)
class Failure:
    """A test that failed, and what it has to say."""

    test: str
    text: str


@dataclass(frozen=True)
class Row:
    """A documented answer, how often it was reached, and by which test first."""

    answer: Answer
    times: int
    by: str

    @property
    def name(self) -> str:
        """The status, with the problem's code if there is one."""
        return f"{self.answer.status} {self.answer.code}".strip()


def rows(watch: Watch) -> list[Row]:
    """Return a row for each documented answer, in the order of the contract."""
    return [Row(answer, watch.answers[answer], watch.reached_by.get(answer, "")) for answer in watch.documented]


def table(watch: Watch) -> Iterator[str]:
    """Yield the lines of the table for a terminal."""
    found = rows(watch)
    widest = max(len(row.answer.operation) for row in found)
    longest = max(len(row.name) for row in found)
    yield f"{'operation':{widest}}  {'answer':{longest}}  times  first reached by"
    for row in found:
        yield f"{row.answer.operation:{widest}}  {row.name:{longest}}  {row.times:5}  {row.by or 'nothing'}"


def write_page(file: Path, base_url: str, watch: Watch, failures: Sequence[Failure], lines: Sequence[str]) -> None:
    """Write everything as one HTML page that needs no other file."""
    page = _TEMPLATES.get_template("contract.html.jinja").render(
        base_url=base_url, rows=rows(watch), failures=failures, lines=lines
    )
    file.write_text(page)


def write_answers(file: Path, watch: Watch, needed: bool) -> None:
    """Write the table as JUnit XML: a case for each documented answer.

    needed: an answer that nothing has reached is a failure; else it is skipped, with the reason.
    """
    found = rows(watch)
    missing = "failure" if needed else "skipped"
    totals = {"tests": str(len(found)), "failures": "0", "skipped": "0"}
    totals["failures" if needed else "skipped"] = str(sum(not row.times for row in found))
    suite = ET.Element("testsuite", name="documented answers", errors="0", **totals)
    for row in found:
        case = ET.SubElement(suite, "testcase", classname=row.answer.operation, name=row.name)
        if row.times:
            ET.SubElement(case, "system-out").text = f"reached {row.times} times, first by {row.by}"
        else:
            ET.SubElement(case, missing, message="nothing has reached this answer")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
