"""What the name of a role is."""

import re
from functools import lru_cache

from ostiary.core import names

MAX_NAME_LENGTH = 64
MAX_ROLES = 50
"""Roles that are given at once."""
MAX_LISTED = 10_000
"""Roles in a list; nobody has so many."""
MAX_MISSING_ROLES = 2 * MAX_ROLES
"""Roles that a refusal names: those that a user held, and those that they were to hold."""
MAX_DESCRIPTION_LENGTH = 500
NAME_PATTERN = rf"^[A-Za-z0-9_][A-Za-z0-9_.+~-]{{0,{MAX_NAME_LENGTH - 1}}}$"
"""Printable ASCII that needs no escaping in a path. No colon: that is what tells a scope from a role."""

_NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
_PRINTABLE = re.compile(rf"[!-~]{{1,{MAX_NAME_LENGTH}}}")


@lru_cache(maxsize=4096)
def _forms(name: str) -> tuple[str, str]:
    return names.key(name), names.skeleton(name)


def are_alike(one: str, other: str) -> bool:
    """Return whether two roles of these names could be mistaken for each other, as two users could: see `names`."""
    return any(mine == theirs for mine, theirs in zip(_forms(one), _forms(other), strict=True))


def is_role_name(name: str) -> bool:
    """Return whether a new role may have this name."""
    return _NAME.fullmatch(name) is not None


def may_be_role(name: str) -> bool:
    """Return whether there may be a role of this name: earlier releases took more names than `is_role_name`."""
    return _PRINTABLE.fullmatch(name) is not None
