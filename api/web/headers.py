"""Headers that every answer carries (OWASP ASVS 3.4, OWASP REST Security Cheat Sheet)."""

from flask import Flask, Response


def install(app: Flask) -> None:
    """Let no answer of `app` be guessed at by type, and none be kept by caches unless its view says so."""

    @app.after_request
    def harden(answer: Response) -> Response:
        headers = answer.headers
        named = [name.lower() for name, _ in headers]  # `in headers` raises and catches an exception to say no
        if "x-content-type-options" not in named:
            headers.add("X-Content-Type-Options", "nosniff")
        if "cache-control" not in named:
            headers.add("Cache-Control", "no-store")
        return answer
