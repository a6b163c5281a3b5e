"""What the name of a role is."""

import re

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 500
NAME_PATTERN = rf"^[A-Za-z0-9_][A-Za-z0-9_.+~-]{{0,{LONGEST_NAME - 1}}}$"
"""Printable ASCII that needs no escaping in a path. No colon: that is what tells a scope from a role."""

_NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))
_PRINTABLE = re.compile(rf"[!-~]{{1,{LONGEST_NAME}}}")


def is_role_name(name: str) -> bool:
    """Return whether a new role may have this name."""
    return _NAME.fullmatch(name) is not None


def may_be_role(name: str) -> bool:
    """Return whether there may be a role of this name: earlier releases took more names than `is_role_name`."""
    return _PRINTABLE.fullmatch(name) is not None
