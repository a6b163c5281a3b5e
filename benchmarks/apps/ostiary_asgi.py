"""Ostiary as an ASGI application for another server than its own, with the settings of the environment."""

from concurrent.futures import ThreadPoolExecutor

from ostiary import settings
from ostiary.app import create_asgi, prepare
from ostiary.server.asgi import AsgiApp


def make_asgi() -> AsgiApp:
    """Return the app; the database is prepared first, in a thread, since uvicorn calls this on its event loop."""
    with ThreadPoolExecutor(1) as thread:
        return create_asgi(thread.submit(prepare, settings.read()).result())
