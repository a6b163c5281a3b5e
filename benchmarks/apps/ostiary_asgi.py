"""Ostiary as an ASGI application for another server than its own, with the settings of the environment."""

from api import settings
from api.app import create_asgi, prepare
from api.server.asgi import AsgiApp


def make_asgi() -> AsgiApp:
    """Return the app; the database is prepared first."""
    return create_asgi(prepare(settings.read()))
