"""Schemathesis as it comes, with the settings that are shipped for it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from openapi.generators.page import ADDRESS, commands, follow
from openapi.node import HERE as OPENAPI

PAGE = OPENAPI.parent / "docs" / "contract-tests.md"
DEPLOYMENT = "https://auth.staging.example.org"


def test_stock_schemathesis_finds_nothing(start_server: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "openapi").mkdir()
    shutil.copy(OPENAPI / "schemathesis.toml", tmp_path / "openapi")
    script = commands("With stock Schemathesis", PAGE)
    assert DEPLOYMENT in script
    printed = follow(script.replace(DEPLOYMENT, ADDRESS), tmp_path, start_server())
    assert "logged in" in printed
    counts = re.search(r"(\d+) generated, (\d+) passed", printed)
    assert counts, printed
    assert counts[1] == counts[2]
    assert int(counts[1]) > 500
