"""Headers that every answer carries (OWASP ASVS 3.4, OWASP REST Security Cheat Sheet)."""

from flask import Flask, Response


def install(app: Flask) -> None:
    """Let no answer of `app` be guessed at by type, and none be kept by caches unless its view says so."""

    @app.after_request
    def harden(answer: Response) -> Response:
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "no-store"
        return answer
