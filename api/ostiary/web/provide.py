"""Gives views the services of their features, by class."""

from typing import Protocol, TypeVar

from flask import Flask, current_app, g, request

from ostiary.core.proxies import address_of
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import RequestInfo

T = TypeVar("T")

_SERVICES = "ostiary.services"
_NEW_ID = "ostiary.new_id"
_MAX_USER_AGENT_LENGTH = 256


class Services(Protocol):
    """The services of this process."""

    def get(self, kind: type[T]) -> T:
        """Return the service of this class."""
        ...


def install(app: Flask, services: Services) -> None:
    """Make `services` available to the views of `app`."""
    app.extensions[_SERVICES] = services


def install_ids(app: Flask, randomness: Randomness) -> None:
    """Set the source of request ids."""
    app.extensions[_NEW_ID] = randomness.new_id


def provided(kind: type[T]) -> T:
    """Return the app's service of the class `kind`."""
    services: Services = current_app.extensions[_SERVICES]
    return services.get(kind)


def request_id() -> str:
    """Return the id of this request in the log and the audit trail."""
    if "request_id" not in g:
        g.request_id = current_app.extensions[_NEW_ID]()
    found: str = g.request_id
    return found


def request_info() -> RequestInfo:
    """Return the address of the caller (empty if unknown) and the User-Agent.

    The User-Agent is truncated to 256 characters and has no control characters.
    """
    agent = request.headers.get("User-Agent", "")[:_MAX_USER_AGENT_LENGTH]
    return RequestInfo(
        ip=address_of(request.environ.get("REMOTE_ADDR", "")),
        user_agent="".join(character if character.isprintable() else "?" for character in agent),
        request_id=request_id(),
    )
