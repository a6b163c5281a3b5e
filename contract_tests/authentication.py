"""Gives each generated case the token of somebody who may call the operation, if anybody may."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemathesis import APIOperation, AuthContext, BaseSchema, Case
from schemathesis.wfc.escalation import EscalatingAuthProvider

from .people import Person
from .services import ServiceClient, is_for_services


def needs_authentication(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    """Return whether the contract asks for credentials."""
    declared = operation.definition.raw.get("security", operation.schema.raw_schema.get("security"))
    return bool(declared) and {} not in declared


Spending = Mapping[str, Callable[[Person], str]]
"""Operations, named like `POST /logout`, after which the token they were sent with is worth nothing, each with the way
in which a person comes by a token to spare."""


PASSWORDS = {
    "POST /me/password": ("current_password", "new_password"),
    "POST /me/reauthenticate": ("password",),
}
"""Operations that need the caller's password, each with the members of its body to put it into. The new password is the
present one, so that whoever ends the run can log in and remove the user."""


@dataclass(frozen=True)
class Login:
    """The header of a case, and the password of who sends it if that is to stand in the body."""

    authorization: str
    password: str | None = None


class Authentication:
    """Sends one person's token, where the contract asks for one, and the service client's secret where it is for those.

    Nothing where it asks for nothing, so that nothing is hidden by it.
    """

    def __init__(self, person: Person, spending: Spending, service: ServiceClient | None) -> None:
        self._person = person
        self._spending = spending
        self._service = service

    def get(self, _case: Case[Any], context: AuthContext) -> Login | None:
        """Return the header for a case; the token is one to spare if the operation ends it, so that the run stays
        logged in.
        """
        if not needs_authentication(context.operation):
            return None
        if is_for_services(context.operation.definition.raw):
            return None if self._service is None else Login(self._service.authorization)
        if context.operation.label in PASSWORDS:
            user = self._person.new_user()
            return Login(f"Bearer {user.token()}", user.credentials.password)
        spare = self._spending.get(context.operation.label)
        return Login(f"Bearer {self._person.token() if spare is None else spare(self._person)}")

    def set(self, case: Case[Any], data: Login, context: AuthContext) -> None:
        """Put the header into the case, and the password into a body that is to be accepted."""
        case.headers["Authorization"] = data.authorization
        is_good = case.meta is None or case.meta.generation.mode.is_positive
        if data.password is not None and is_good and isinstance(case.body, dict):
            case.body.update(dict.fromkeys(PASSWORDS[context.operation.label], data.password))


def authenticate(
    schema: BaseSchema,
    people: Sequence[Person],
    *,
    spending: Spending,
    privileged: Collection[str],
    service: ServiceClient | None = None,
) -> None:
    """Log the cases of `schema` in: as the first of `people`, and as the others in turn where that one is refused.

    The first two must not see each other's objects: the check `object_level_authorization` compares what they get.
    Operations in `privileged`, named like `POST /logout`, begin with the last of `people`. Without people nobody is
    logged in. service: whose secret is sent to operations for services; None: nobody's.
    """
    if not people:
        return
    names = [person.name for person in people]
    providers: list[Any] = [Authentication(person, spending, service) for person in people]
    provider = EscalatingAuthProvider(providers, names, peers=tuple(names[:2]))
    provider.restore(dict.fromkeys(privileged, names[-1]))
    schema.auth.providers.append(provider)
