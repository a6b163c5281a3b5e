"""How a view comes by its feature's service: by its class, from the app that the composition root has filled."""

from typing import TypeVar

from flask import Flask, current_app, request

from api.core.client import Client

T = TypeVar("T")

_SERVICES = "ostiary.services"
_LONGEST_USER_AGENT = 256


def install(app: Flask, *services: object) -> None:
    """Make `services` available to the views of `app`, beside those that are already."""
    app.extensions.setdefault(_SERVICES, {}).update({type(service): service for service in services})


def provided(kind: type[T]) -> T:
    """Return the app's service of the class `kind`."""
    service: T = current_app.extensions[_SERVICES][kind]
    return service


def client() -> Client:
    """Return who calls: address and User-Agent, the latter cut to 256 characters and without control characters."""
    agent = request.headers.get("User-Agent", "")[:_LONGEST_USER_AGENT]
    return Client(
        ip=request.remote_addr or "",
        user_agent="".join(character if character.isprintable() else "?" for character in agent),
    )
