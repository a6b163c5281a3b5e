"""The path prefix under which a proxy serves the application, and which it removes: `/auth` in `/auth/login`."""

from collections.abc import Mapping
from typing import Any


def prefix_of(config: Mapping[str, Any]) -> str:
    """Return the prefix from a Flask configuration (APPLICATION_ROOT), without a slash at the end; often empty."""
    root: str = config["APPLICATION_ROOT"]
    return root.rstrip("/")
