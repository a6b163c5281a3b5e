"""The entry point for WSGI servers: `gunicorn 'ostiary.wsgi:create_app()'`, `flask --app ostiary.wsgi run`."""

from ostiary import app
from ostiary.server.flask_app import LoopFlask


def create_app() -> LoopFlask:
    """Build the application from the environment and prepare the database.

    Raises BadSettings, UnsafeFile, UnusableDirectory, NewerDatabase and UnfitDatabase.
    """
    return app.create_app()
