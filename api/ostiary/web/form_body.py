"""Strict parsing of forms for the OAuth operations (RFC 6749 section 3.2 and appendix B)."""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from ostiary.core.fields import is_utf8
from ostiary.core.problems import BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemType
from ostiary.web.blueprint import Blueprint
from ostiary.web.problem_format import OAUTH_JSON
from ostiary.web.urlencoded import Unreadable, pairs_of

FORM = "application/x-www-form-urlencoded"

INVALID_REQUEST = ProblemType(
    code="invalid_request",
    status=400,
    title="The form is not valid",
    detail="A parameter is missing, repeated or malformed.",
    remedy="Send each parameter once, form-urlencoded in UTF-8. The detail names the wrong parameter.",
)


def parse(raw: bytes, known: Collection[str]) -> dict[str, str]:
    """Return the `known` parameters of the form in `raw`. Parameters without a value count as missing.

    Other parameters are ignored, even if repeated (RFC 6749 section 3.2). Raises the problem `invalid_request` for a
    repeated known parameter, bytes outside ASCII, malformed escapes, escapes that are not UTF-8, and more than 64
    parameters.
    """
    try:
        pairs = pairs_of(raw, "ascii")
    except Unreadable as error:
        raise _refusal(str(error)) from error
    pairs = [(name, value) for name, value in pairs if name in known]
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise _refusal("a parameter comes twice")
    return {name: value for name, value in parameters.items() if value}


def is_form(environ: Mapping[str, str]) -> bool:
    """Return whether the headers of a request declare a form that `parse` accepts."""
    return is_utf8(environ.get("CONTENT_TYPE", ""), FORM, environ.get("HTTP_CONTENT_ENCODING", ""))


def _refusal(why: str) -> Exception:
    return INVALID_REQUEST(f"The form is not valid: {why}.")


class FormBodyParser(FlaskParser):
    """webargs' parser, with Ostiary's form parsing and problems."""

    def load_form(self, req: Request, schema: ma.Schema) -> dict[str, str]:
        """Return the form's parameters; raises `unsupported_media_type`, `body_too_large` or `invalid_request`."""
        if not is_form(req.environ):
            raise UNSUPPORTED_MEDIA_TYPE(f"Send the body as {FORM}, in UTF-8 and without a content coding.")
        return parse(req.get_data(cache=True), schema.fields)

    def handle_error(self, error: ma.ValidationError, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raise `invalid_request`, naming the wrong parameters."""
        messages: dict[str, list[str]] = error.normalized_messages()["form"]  # type: ignore[no-untyped-call]
        told = "; ".join(f"{name}: {' '.join(faults).rstrip('.')}" for name, faults in messages.items())
        raise _refusal(told) from error


class FormBlueprint(Blueprint):
    """A feature's operations with form bodies. Unknown parameters are ignored, as OAuth requires."""

    ARGUMENTS_PARSER = FormBodyParser()
    BODY_LOCATION = "form"
    BODY_PROBLEMS = (INVALID_REQUEST, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
    PROBLEM_FORMAT = OAUTH_JSON
