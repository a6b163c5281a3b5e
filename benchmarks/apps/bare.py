"""(a) A bare Flask view on the server of Ostiary: what Flask itself costs. `python -m benchmarks.apps.bare`."""

import argparse
import sys

from flask import Response, jsonify

from benchmarks.apps import MESSAGE
from ostiary.server.asgi import AsgiApp
from ostiary.server.flask_app import LoopFlask
from ostiary.server.process import Process, serve

MAX_BODY = 65536


def make_app() -> LoopFlask:
    """Return a Flask app with `GET /protected`, a sync view, and `GET /async`, the same as a coroutine; no auth."""
    app = LoopFlask("bare", static_folder=None)

    @app.get("/protected")
    def protected() -> Response:
        return jsonify(message=MESSAGE)

    @app.get("/async")
    async def protected_async() -> Response:
        return jsonify(message=MESSAGE)

    return app


def make_asgi() -> AsgiApp:
    """Return the app for an ASGI server."""
    return AsgiApp(make_app(), max_body=MAX_BODY)


def main() -> None:
    """Serve on a free port and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    how = Process("127.0.0.1", 0, parser.parse_args().workers, drain=5)
    sys.exit(serve(make_asgi, how, lambda port: print(f"listens at http://127.0.0.1:{port}", flush=True)))


if __name__ == "__main__":
    main()
