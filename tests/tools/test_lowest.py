"""The constraints of `tox -e lowest`."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYPROJECT = """
[project]
dependencies = ["Flask[async]>=3.1.3,<3.2", "uvloop>=0.23,<0.24; sys_platform != 'win32'"]
[project.optional-dependencies]
contract = ["pytest>=9.2,<10"]
"""


def test_dependencies_have_their_lower_bounds_and_everything_else_its_tested_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("packaging")
    monkeypatch.syspath_prepend(str(ROOT))
    from tools.lowest import HEADER, lowest

    constraints = "# a comment\nFlask==3.1.9\npytest_xdist==3.8.1  # a tool\nuvloop==0.23.4\n"
    assert lowest(PYPROJECT, constraints) == (HEADER + "flask==3.1.3\npytest==9.2\npytest-xdist==3.8.1\nuvloop==0.23\n")
