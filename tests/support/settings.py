"""Settings for tests: cheap hashes, and an answer that is not as the contract says fails the request."""

from pathlib import Path
from typing import Any

from ostiary.settings import Settings

SECRET = "a secret of the tests, long enough to be accepted"

CHEAP = {"argon2_memory_kib": 8, "argon2_time_cost": 1, "argon2_parallelism": 1}


def settings_for(database_url: str, directory: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "database_url": database_url,
        "data_dir": directory,
        "secret_key": SECRET,
        "contract_checks": "raise",
        "hash_threads": 2,
        "database_timeout": 10,
        "port": 8000,
        **CHEAP,
        **changes,
    }
    return Settings(**values)


def environment_of(settings: Settings) -> dict[str, str]:
    """The same settings as environment variables, for a server process; defaults are left out."""
    defaults = Settings()
    return {
        f"OSTIARY_{name.upper()}": str(value)
        for name, value in vars(settings).items()
        if value != getattr(defaults, name)
    }
