"""Nothing is imported on the way of a request: at the limit of open files an import fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.persistence.processes import ROOT
from tests.support.servers import environment_without_settings
from tests.support.settings import environment_of, settings_for


@pytest.mark.parametrize("profile", ["development", "production"])
def test_what_requests_need_is_imported_at_the_start(database_url: str, tmp_path: Path, profile: str) -> None:
    strong = {"argon2_memory_kib": 19456, "argon2_time_cost": 2} if profile == "production" else {}
    settings = settings_for(
        database_url, tmp_path, profile=profile, issuer="https://auth.example", log_level="error", **strong
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.journey"],
        cwd=ROOT,
        env={**environment_without_settings(), **environment_of(settings)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"
