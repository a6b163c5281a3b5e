"""The npm lock files say which packages are installed, by their digests, and not where they were fetched."""

import json
from pathlib import Path

import pytest

from openapi.node import HERE

LOCK_FILES = [*HERE.glob("package-lock.json"), *HERE.glob("*/package-lock.json")]


@pytest.mark.parametrize("file", LOCK_FILES, ids=lambda file: file.parent.name)
def test_lock_file_has_a_digest_of_each_package_and_no_address(file: Path) -> None:
    packages = {name: one for name, one in json.loads(file.read_text())["packages"].items() if name}
    assert [name for name, one in packages.items() if "resolved" in one] == []
    bundled = {name for name, one in packages.items() if one.get("inBundle")}
    assert [name for name, one in packages.items() if "integrity" not in one and name not in bundled] == []


def test_lock_files_are_those_of_both_sets_of_tools() -> None:
    assert {file.parent.name for file in LOCK_FILES} == {"generators", "openapi"}
