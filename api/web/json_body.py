"""Reading a JSON body strictly: one reading only (RFC 8259, with the restrictions of I-JSON, RFC 7493)."""

import json
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from api.core.problems import INVALID_QUERY, MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED

DEEPEST = 32


class _Refused(ValueError):
    pass


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("an object has two members of the same name")
    return members


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON value")


def _check(value: Any, depth: int = 1) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise _Refused("a string has a lone surrogate")
    elif isinstance(value, dict | list):
        if depth > DEEPEST:
            raise _Refused(f"more than {DEEPEST} levels deep")
        for name in value if isinstance(value, dict) else ():
            _check(name)
        for member in value.values() if isinstance(value, dict) else value:
            _check(member, depth + 1)


def parse(raw: bytes) -> Any:
    """Return the JSON value in `raw`.

    Raises the problem `malformed_json` for anything but one UTF-8 encoded value without duplicate members, NaN, lone
    surrogates or more than 32 levels.
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_constant=_constant)
        _check(value)
    except _Refused as error:
        raise MALFORMED_JSON(f"The body is not well-formed JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise MALFORMED_JSON(f"The body is not UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise MALFORMED_JSON(f"The body is not well-formed JSON: {error.msg} at character {error.pos}.") from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of more digits than Python converts
        raise MALFORMED_JSON("The body is not JSON that this server reads: too deep, or a number too long.") from error
    return value


def _pointers(messages: Any, pointer: str = "") -> list[dict[str, str]]:
    if isinstance(messages, dict):
        return [
            found
            for name, inner in messages.items()
            for found in _pointers(
                inner,
                pointer if name == "_schema" else f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}",
            )
        ]
    if isinstance(messages, list):
        return [found for inner in messages for found in _pointers(inner, pointer)]
    return [{"pointer": pointer, "detail": str(messages)}]


class JsonBodyParser(FlaskParser):
    """webargs' parser, with our reading of JSON and our problems; unknown parameters of the query are refused."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": ma.RAISE}  # noqa: RUF012 - as webargs declares it

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """Return the body's value; raises `unsupported_media_type`, `body_too_large` or `malformed_json`."""
        charset = req.mimetype_params.get("charset", "utf-8").lower()
        coding = req.headers.get("Content-Encoding", "identity").lower()
        if req.mimetype != "application/json" or charset not in ("utf-8", "utf8") or coding != "identity":
            raise UNSUPPORTED_MEDIA_TYPE("Send the body as application/json, in UTF-8 and without a content coding.")
        return parse(req.get_data(cache=True))

    def handle_error(self, error: ma.ValidationError, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Raise `validation_failed`, naming each wrong member, or `invalid_query`, naming each wrong parameter."""
        messages = error.messages
        if isinstance(messages, dict) and "query" in messages:
            raise INVALID_QUERY(
                errors=[
                    {"parameter": found["pointer"].removeprefix("/").partition("/")[0], "detail": found["detail"]}
                    for found in _pointers(messages["query"])
                ]
            ) from error
        found = messages.get("json", messages) if isinstance(messages, dict) else messages
        raise VALIDATION_FAILED(errors=_pointers(found)) from error
