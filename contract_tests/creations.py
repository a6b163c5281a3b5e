"""Lets generated cases change and delete only users and roles that the run itself has made.

Whoever runs the suite against a deployment keeps the people who are there: a generator takes ids from the lists that it
reads. And the run's own people stay, or it would be locked out.
"""

import os
import uuid
from typing import Any

import httpx
from schemathesis import Case, HookContext, Response
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER, hook

USERS = "POST /users"
ROLES = "POST /roles"
MADE_BY = {USERS: ("user_id", "id"), ROLES: ("role_name", "name")}
"""The operations that make something: the parameter by which others name it, the member of the answer that tells it."""

HARMLESS = ("GET", "HEAD", "OPTIONS")


class Creations:
    """What the cases of this process have made, by the parameter that names it."""

    def __init__(self) -> None:
        self._made: dict[str, set[str]] = {parameter: set() for parameter, _ in MADE_BY.values()}

    def before_call(self, _context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
        """Let a case that would change something else meet nothing instead."""
        if case.method.upper() in HARMLESS:
            return
        for parameter, made in self._made.items():
            told = case.path_parameters.get(parameter) if case.path_parameters else None
            if told is not None and told not in made:
                case.path_parameters[parameter] = str(uuid.uuid4()) if is_id(told) else nobody(told)

    def after_call(self, _context: HookContext, case: Case[Any], response: Response) -> None:
        """Remember what a case has made."""
        found = MADE_BY.get(case.operation.label)
        if found is not None and response.status_code == httpx.codes.CREATED:
            parameter, member = found
            self._made[parameter].add(response.json()[member])


def is_id(value: object) -> bool:
    """Return whether `value` may name a user."""
    try:
        return str(uuid.UUID(str(value))) == value
    except ValueError:
        return False


def nobody(value: object) -> object:
    """Return the name of a role that nobody has made, in place of one that somebody may have; else `value` itself."""
    return f"no-role-{os.urandom(6).hex()}" if isinstance(value, str) and value.isascii() and value else value


_CREATIONS = Creations()


def install() -> None:
    """Let every case of this process go through the two hooks."""
    for one in (_CREATIONS.before_call, _CREATIONS.after_call):
        if one not in GLOBAL_HOOK_DISPATCHER.get_all_by_name(one.__name__):
            hook(one)
