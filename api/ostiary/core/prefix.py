"""The path under which a proxy serves the application, and takes away: `/auth` in `https://id.example/auth/login`."""

from collections.abc import Mapping
from typing import Any


def prefix_of(config: Mapping[str, Any]) -> str:
    """Return it from the configuration of a Flask app (APPLICATION_ROOT), without a slash at its end; often empty."""
    root: str = config["APPLICATION_ROOT"]
    return root.rstrip("/")
