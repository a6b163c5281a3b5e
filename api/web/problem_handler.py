"""The one place where an exception becomes an answer."""

import structlog
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from api.core.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
    ProblemType,
)
from api.web.provide import request_id

log = structlog.stdlib.get_logger(__name__)

_OF_STATUS: dict[int, ProblemType] = {
    kind.status: kind for kind in (BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
}


def install(app: Flask) -> None:
    """Answer every exception of `app` as application/problem+json (RFC 9457)."""

    def unexpected(error: Exception) -> Response:
        named = request_id()
        log.error(
            "unexpected error",
            exc_info=error,
            request_id=named,
            method=request.method,
            path=request.path,
        )
        return answer(INTERNAL_ERROR(request_id=named))

    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, unexpected)


def answer(problem: Problem) -> Response:
    """Return the response for `problem`."""
    return Response(
        current_app.json.dumps(problem.body(), separators=(",", ":")),
        status=problem.kind.status,
        headers=problem.headers(),
        content_type="application/problem+json",
    )


def _http_exception(error: HTTPException) -> Response:
    kind = _OF_STATUS.get(error.code or 500, BAD_REQUEST)
    response = answer(kind())
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response
