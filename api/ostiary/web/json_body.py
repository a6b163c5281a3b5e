"""Strict parsing of JSON bodies (RFC 8259, with the restrictions of I-JSON, RFC 7493)."""

import json
import re
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from ostiary.core.fields import is_utf8
from ostiary.core.problems import INVALID_QUERY, MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED
from ostiary.web import json_shape, query
from ostiary.web.errors import faults, problem_of

JSON = "application/json"

_SURROGATE = re.compile("[\ud800-\udfff]")


class _Refused(ValueError):
    pass


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("an object has two members of the same name")
    return members


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON value")


_READER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_constant=_constant,
    parse_int=json_shape.number,
    parse_float=json_shape.fraction,
)


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise _Refused("a string has a lone surrogate")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_texts(name)
            _check_texts(member)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


def parse(raw: bytes) -> Any:
    """Return the JSON value in `raw`.

    Raises the problem `malformed_json` for anything but one UTF-8 encoded value without duplicate members, NaN, lone
    surrogates, or more than the bounds of `json_shape`.
    """
    try:
        json_shape.check(raw)
        value = _READER.decode(raw.decode("utf-8"))
        if b"\\u" in raw:  # UTF-8 has no surrogates, but escapes can have them
            _check_texts(value)
    except (_Refused, json_shape.TooMuch) as error:
        raise MALFORMED_JSON(f"The body is not JSON that this server reads: {error}.") from error
    except UnicodeDecodeError as error:
        raise MALFORMED_JSON(f"The body is not UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise MALFORMED_JSON(f"The body is not well-formed JSON: {error.msg} at character {error.pos}.") from error
    return value


class JsonBodyParser(FlaskParser):
    """webargs' parser, with Ostiary's JSON parsing and problems. Unknown query parameters are refused."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": ma.RAISE}  # noqa: RUF012 - as webargs declares it

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Return the body's value; raises `unsupported_media_type`, `body_too_large` or `malformed_json`."""
        environ = req.environ
        if not is_utf8(environ.get("CONTENT_TYPE", ""), JSON, environ.get("HTTP_CONTENT_ENCODING", "")):
            raise UNSUPPORTED_MEDIA_TYPE("Send the body as application/json, in UTF-8 and without a content coding.")
        return parse(req.get_data(cache=True))

    def load_querystring(self, req: Request, schema: ma.Schema) -> dict[str, str]:
        """Return the parameters of the query; raises `invalid_query`."""
        return query.parse(req)

    def handle_error(self, error: ma.ValidationError, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raise `validation_failed`, naming each wrong member, or `invalid_query`, naming each wrong parameter."""
        messages = error.messages
        if isinstance(messages, dict) and "query" in messages:
            named = ((place.removeprefix("/").partition("/")[0], why) for place, why in faults(messages["query"]))
            raise problem_of(INVALID_QUERY, "parameter", named) from error
        found = messages.get("json", messages) if isinstance(messages, dict) else messages
        raise problem_of(VALIDATION_FAILED, "pointer", faults(found)) from error
