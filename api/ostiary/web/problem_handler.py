"""The one place that turns exceptions into answers."""

import errno

import structlog
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ostiary.core.prefix import prefix_of
from ostiary.core.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    DATABASE_UNAVAILABLE,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
    ProblemType,
)
from ostiary.web.problem_format import format_of
from ostiary.web.provide import request_id

log = structlog.stdlib.get_logger(__name__)

_OF_STATUS: dict[int, ProblemType] = {
    kind.status: kind for kind in (BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
}


def install(app: Flask) -> None:
    """Answer every exception of `app` as a problem (RFC 9457), under /oauth with OAuth's members (RFC 6749)."""

    def unexpected(error: Exception) -> Response:
        if is_out_of_files(error):
            log.error("too many open files; raise the limit (ulimit -n)", method=request.method, path=request.path)
            return answer(DATABASE_UNAVAILABLE("No further file or connection can be opened at the moment."))
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
    """Return the response for `problem` to the current request."""
    form = format_of(request.path)
    return Response(
        current_app.json.dumps(form.body(problem, prefix_of(current_app.config)), separators=(",", ":")),
        status=problem.kind.status,
        headers=problem.headers(),
        content_type=form.media_type,
    )


def is_out_of_files(error: BaseException | None) -> bool:
    """Return whether `error` or its cause is that the process or the machine has too many open files."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__ or error.__context__
    return False


def _http_exception(error: HTTPException) -> Response:
    kind = _OF_STATUS.get(error.code or 500, BAD_REQUEST)
    response = answer(kind())
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response
