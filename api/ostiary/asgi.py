"""The entry point for ASGI servers: `uvicorn --factory ostiary.asgi:create_app`."""

from ostiary.app import create_asgi
from ostiary.server.asgi import AsgiApp


def create_app() -> AsgiApp:
    """Build the application from the environment; the database is prepared when the server's lifespan starts.

    Raises BadSettings, UnsafeFile and UnusableDirectory.
    """
    return create_asgi()
