"""Rules for names of roles."""

import re
from functools import lru_cache

from ostiary.core import names

MAX_NAME_LENGTH = 64
MAX_ROLES = 50
"""Maximum number of roles in one assignment."""
MAX_LISTED = 10_000
"""Maximum number of roles in a list, far more than anybody has."""
MAX_MISSING_ROLES = 2 * MAX_ROLES
"""Maximum number of roles in a refusal: the old and the new roles of a user."""
MAX_DESCRIPTION_LENGTH = 500
NAME_PATTERN = rf"^[A-Za-z0-9_][A-Za-z0-9_.+~-]{{0,{MAX_NAME_LENGTH - 1}}}$"
"""Printable ASCII that needs no escaping in a path. Colons are excluded, because they distinguish scopes from roles."""

_NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
_PRINTABLE = re.compile(rf"[!-~]{{1,{MAX_NAME_LENGTH}}}")


@lru_cache(maxsize=4096)
def _forms(name: str) -> tuple[str, str]:
    return names.key(name), names.skeleton(name)


def are_alike(one: str, other: str) -> bool:
    """Return whether the names of two roles look alike. The rules are those of user names: see `names`."""
    return any(mine == theirs for mine, theirs in zip(_forms(one), _forms(other), strict=True))


def is_role_name(name: str) -> bool:
    """Return whether a new role may have this name."""
    return _NAME.fullmatch(name) is not None


def may_be_role(name: str) -> bool:
    """Return whether a role with this name can exist. Earlier releases accepted more names than `is_role_name`."""
    return _PRINTABLE.fullmatch(name) is not None
