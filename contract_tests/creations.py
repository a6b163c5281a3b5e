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

from .people import Credentials, Person

USERS = "POST /users"
ROLES = "POST /roles"
MADE_BY = {USERS: ("user_id", "id"), ROLES: ("role_name", "name")}
"""The operations that make something: the parameter by which others name it, the member of the answer that tells it."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DELETE_USER = "DELETE /users/{user_id}"
DELETE_ROLE = "DELETE /roles/{role_name}"
DELETIONS = (DELETE_USER, DELETE_ROLE)
"""Of each kind the last one stays until the run ends, since other operations want to meet one."""

IF_MATCH = "If-Match"
HARMLESS = ("GET", "HEAD", "OPTIONS")


_MADE: dict[str, dict[str, str]] = {parameter: {} for parameter, _ in MADE_BY.values()}
"""What the cases of this process have made, by the parameter that names it: the names, and the last ETag of each."""


class Maker:
    """Makes a user or a role to spare, as the administrator `who` does, for a case that is to delete one.

    Whether a run draws a deletion that is to be accepted must not hang on how many of them it has drawn before.
    """

    def __init__(self, client: httpx.Client, who: Person) -> None:
        self._client = client
        self._who = who

    def make(self, deletion: str) -> tuple[str, str]:
        """Return the name and the ETag of something that the operation `deletion` may delete."""
        one = Credentials.throwaway("spare")
        if deletion == DELETE_USER:
            return self._post(USERS, {"username": one.username, "password": one.password})
        return self._post(ROLES, {"name": one.username, "description": "", "permissions": []})

    def _post(self, label: str, body: dict[str, Any]) -> tuple[str, str]:
        bearer = {"Authorization": f"Bearer {self._who.token()}"}
        answer = self._client.post(label.partition(" ")[2], json=body, headers=bearer).raise_for_status()
        return answer.json()[MADE_BY[label][1]], answer.headers["ETag"]


_MAKERS: list[Maker] = []
"""The one that this run may use, if there is one."""


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
        if told not in made or _would_be_the_last(case, made):
            told = _another(case, made) if is_good else None
            case.path_parameters[parameter] = told or replacement(parameter, case.path_parameters[parameter])
        if told in made and is_good and IF_MATCH in (case.headers or {}):
            case.headers[IF_MATCH] = made[told]


def _would_be_the_last(case: Case[Any], made: dict[str, str]) -> bool:
    return case.operation.label in DELETIONS and len(made) == 1


def _another(case: Case[Any], made: dict[str, str]) -> str | None:
    """Return the name of what a case that is to be accepted may change or delete instead, if there is anything."""
    if case.operation.label in DELETIONS and _MAKERS:
        made.update([_MAKERS[-1].make(case.operation.label)])
    return None if not made or _would_be_the_last(case, made) else next(reversed(made))


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


def install(maker: Maker | None) -> None:
    """Let every case of this process go through the two hooks; see `idempotency`."""
    _MAKERS[:] = [] if maker is None else [maker]
    for one in (before_call, after_call):
        if one not in GLOBAL_HOOK_DISPATCHER.get_all_by_name(one.__name__):
            hook(one)
