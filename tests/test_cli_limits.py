"""`ostiary limits` and the page that shows what it prints."""

import re
from pathlib import Path

from click.testing import CliRunner

from ostiary.cli import main
from ostiary.server.http import limits

DOCS = Path(__file__).parents[1] / "docs" / "limits.md"


def printed() -> str:
    result = CliRunner().invoke(main, ["limits"])
    assert result.exit_code == 0
    return result.output


def test_the_page_shows_what_the_command_prints() -> None:
    found = re.search(r"<!-- limits -->\n(.*)<!-- /limits -->\n", DOCS.read_text(), re.DOTALL)

    assert found is not None
    assert found.group(1) == printed()


def test_the_numbers_are_those_of_the_code() -> None:
    text = printed()

    assert f"| Chunks of a body | {limits.MAX_CHUNKS:,} | 413 `body_too_large` |" in text
    assert f"| Time to send the body | {limits.BODY_SECONDS:g} s | 408 `request_timeout` |" in text
