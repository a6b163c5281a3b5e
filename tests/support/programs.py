"""Programs that are not Python's: proxies and clients that tests use where the machine has them."""

import os
import shutil

import pytest

VARIABLE = "OSTIARY_TEST_PROXIES"
"""Set: whatever is missing fails the tests; unset: they are left out on a machine without it."""


def program(name: str) -> str:
    """The path of a program. Without it the test fails where OSTIARY_TEST_PROXIES is set, and is skipped elsewhere."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        if os.environ.get(VARIABLE):
            pytest.fail(f"{VARIABLE} is set, and there is no {name} on this machine")
        pytest.skip(f"no {name} on this machine")
    return found
