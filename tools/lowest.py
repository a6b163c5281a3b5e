"""Write constraints-lowest.txt: the lowest versions that pyproject.toml allows, for `tox -e lowest`.

    python tools/lowest.py           write the file
    python tools/lowest.py --check   exit with 1 if the file is out of date

Every dependency of the package and of its extras gets its lower bound. Everything else, such as the tools of the tests,
keeps its version of constraints.txt.
"""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FILE = ROOT / "constraints-lowest.txt"
HEADER = "# Written by tools/lowest.py from pyproject.toml and constraints.txt; do not edit.\n"


def lowest(pyproject: str, constraints: str) -> str:
    """Return the constraints under which pip installs the lowest versions that `pyproject` allows."""
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {}).values()
    bounds = dict(_bound(one) for one in (*project["dependencies"], *(one for extra in extras for one in extra)))
    others = (line.partition("#")[0].strip() for line in constraints.splitlines())
    kept = dict(_bound(line) for line in others if line)
    return HEADER + "".join(f"{name}=={version}\n" for name, version in sorted({**kept, **bounds}.items()))


def _bound(text: str) -> tuple[str, str]:
    requirement = Requirement(text)
    (version,) = (one.version for one in requirement.specifier if one.operator in (">=", "=="))
    return canonicalize_name(requirement.name), version


def main() -> None:
    """Write the file, or check that it is up to date."""
    text = lowest((ROOT / "pyproject.toml").read_text(), (ROOT / "constraints.txt").read_text())
    if sys.argv[1:] == ["--check"]:
        if text != FILE.read_text():
            sys.exit(f"{FILE.name} is out of date; run: python tools/lowest.py")
        return
    FILE.write_text(text)


if __name__ == "__main__":
    main()
