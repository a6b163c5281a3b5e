"""Reading a form strictly, as OAuth's operations take it: one reading only (RFC 6749 section 3.2 and appendix B)."""

import re
from collections.abc import Collection
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from api.core.problems import BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemType
from api.web.blueprint import Blueprint
from api.web.client_guard import oauth_error

FORM = "application/x-www-form-urlencoded"
MOST_PARAMETERS = 64

INVALID_REQUEST = ProblemType(
    code="invalid_request",
    status=400,
    title="The form is not as it should be",
    detail="A parameter is missing, repeated or malformed.",
    remedy="Send each parameter once, form-urlencoded in UTF-8; the detail says which one is wrong.",
    members=oauth_error("invalid_request"),
    example={"error": "invalid_request"},
)

_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parse(raw: bytes, known: Collection[str]) -> dict[str, str]:
    """Return the `known` parameters of the form in `raw`; those without a value count as left out.

    Others are ignored, however often they come (RFC 6749 section 3.2). Raises the problem `invalid_request` for a known
    parameter that comes twice, a byte outside ASCII, an escape that is none or stands for no UTF-8, and for more than
    64 parameters.
    """
    try:
        text = raw.decode("ascii")
        if _NO_ESCAPE.search(text):
            raise _refusal("a percent sign is followed by no two hexadecimal digits")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeDecodeError as error:
        raise _refusal("it is not form-urlencoded UTF-8") from error
    except ValueError as error:
        raise _refusal(f"it has more than {MOST_PARAMETERS} parameters") from error
    pairs = [(name, value) for name, value in pairs if name in known]
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise _refusal("a parameter comes twice")
    return {name: value for name, value in parameters.items() if value}


def _refusal(why: str) -> Exception:
    return INVALID_REQUEST(f"The form is not as it should be: {why}.", error=INVALID_REQUEST.code)


class FormBodyParser(FlaskParser):
    """webargs' parser, with our reading of forms and our problems."""

    def load_form(self, req: Request, schema: ma.Schema) -> dict[str, str]:
        """Return the form's parameters; raises `unsupported_media_type`, `body_too_large` or `invalid_request`."""
        charset = req.mimetype_params.get("charset", "utf-8").lower()
        coding = req.headers.get("Content-Encoding", "identity").lower()
        if req.mimetype != FORM or charset not in ("utf-8", "utf8") or coding != "identity":
            raise UNSUPPORTED_MEDIA_TYPE(f"Send the body as {FORM}, in UTF-8 and without a content coding.")
        return parse(req.get_data(cache=True), schema.fields)

    def handle_error(self, error: ma.ValidationError, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raise `invalid_request`, naming the wrong parameters."""
        messages: dict[str, list[str]] = error.normalized_messages()["form"]  # type: ignore[no-untyped-call]
        told = "; ".join(f"{name}: {' '.join(faults).rstrip('.')}" for name, faults in messages.items())
        raise _refusal(told) from error


class FormBlueprint(Blueprint):
    """A feature's operations, whose bodies are forms. Parameters that are not known are ignored, as OAuth demands."""

    ARGUMENTS_PARSER = FormBodyParser()
    BODY_LOCATION = "form"
    BODY_PROBLEMS = (INVALID_REQUEST, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
