"""The constraints of `tox -e lowest`."""

import runpy
from pathlib import Path

LOWEST = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "lowest.py"))

PYPROJECT = """
[project]
dependencies = ["Flask[async]>=3.1.3,<3.2", "uvloop>=0.23,<0.24; sys_platform != 'win32'"]
[project.optional-dependencies]
contract = ["pytest>=9.2,<10"]
"""


def test_dependencies_have_their_lower_bounds_and_everything_else_its_tested_version() -> None:
    constraints = "# a comment\nFlask==3.1.9\npytest_xdist==3.8.1  # a tool\nuvloop==0.23.4\n"
    assert LOWEST["lowest"](PYPROJECT, constraints) == (
        LOWEST["HEADER"] + "flask==3.1.3\npytest==9.2\npytest-xdist==3.8.1\nuvloop==0.23\n"
    )
