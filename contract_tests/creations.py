"""Lets generated cases change and delete only users and roles that the run itself has made, at their present version.

Whoever runs the suite against a deployment keeps the people who are there: a generator takes ids from the lists that it
reads. And the run's own people stay, or it would be locked out. Which version is the present one no schema tells, so a
case that is to be accepted is told; `test_administration.py` sends other versions on purpose.
"""

import os
import re
from typing import Any

import httpx
from schemathesis import Case, HookContext, Response
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER, hook

USERS = "POST /users"
ROLES = "POST /roles"
MADE_BY = {USERS: ("user_id", "id"), ROLES: ("role_name", "name")}
"""The operations that make something: the parameter by which others name it, the member of the answer that tells it."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DELETIONS = ("DELETE /users/{user_id}", "DELETE /roles/{role_name}")
"""Of each kind the last one stays until the run ends, since other operations want to meet one."""

IF_MATCH = "If-Match"
HARMLESS = ("GET", "HEAD", "OPTIONS")


_MADE: dict[str, dict[str, str]] = {parameter: {} for parameter, _ in MADE_BY.values()}
"""What the cases of this process have made, by the parameter that names it: the names, and the last ETag of each."""


def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Let a case that would change something else meet nothing.

    One that is to be accepted meets what the run has made, if there is anything, and is told its version.
    """
    if case.method.upper() in HARMLESS:
        return
    is_good = case.meta is not None and case.meta.generation.mode.is_positive
    for parameter, made in _MADE.items():
        told = case.path_parameters.get(parameter) if case.path_parameters else None
        if told is None:
            continue
        is_last = len(made) == 1 and case.operation.label in DELETIONS
        if told not in made or is_last:
            told = next(reversed(made)) if is_good and made and not is_last else replacement(parameter, told)
            case.path_parameters[parameter] = told
        if told in made and is_good and IF_MATCH in (case.headers or {}):
            case.headers[IF_MATCH] = made[told]


def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
    """Remember what a case has made, changed and deleted."""
    version = next(iter(response.headers.get("etag", ())), "")
    found = MADE_BY.get(case.operation.label)
    if found is not None and response.status_code == httpx.codes.CREATED:
        parameter, member = found
        _MADE[parameter][response.json()[member]] = version
    for parameter, made in _MADE.items():
        told = case.path_parameters.get(parameter) if case.path_parameters else None
        if told in made and response.status_code == httpx.codes.NO_CONTENT:
            del made[told]
        elif told in made and version:
            made[told] = version


def is_id(value: object) -> bool:
    """Return whether `value` may name a user."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def replacement(parameter: str, told: object) -> object:
    """Return what names nothing, in place of what may name something; else `told` itself."""
    if parameter == "user_id":
        return f"00000000-0000-7000-8000-{os.urandom(6).hex()}" if is_id(told) else told
    return f"no-role-{os.urandom(6).hex()}" if isinstance(told, str) and told.isascii() and told else told


def install() -> None:
    """Let every case of this process go through the two hooks; see `idempotency`."""
    for one in (before_call, after_call):
        if one not in GLOBAL_HOOK_DISPATCHER.get_all_by_name(one.__name__):
            hook(one)
