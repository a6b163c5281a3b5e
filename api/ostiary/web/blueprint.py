"""flask-smorest's blueprint, extended to write problems, security and links into the contract."""

import inspect
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import flask_smorest
import marshmallow as ma
from flask import Response, current_app
from flask_smorest.utils import deepupdate, resolve_schema_instance
from webargs.flaskparser import FlaskParser

from ostiary.core.problems import (
    BODY_TOO_LARGE,
    INVALID_QUERY,
    MALFORMED_JSON,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
    ProblemType,
)
from ostiary.web import path_parameters
from ostiary.web.json_body import JsonBodyParser
from ostiary.web.problem_format import PROBLEM_JSON
from ostiary.web.problem_responses import problem_responses

View = TypeVar("View", bound=Callable[..., Any])

_compact = json.JSONEncoder(separators=(",", ":")).encode  # created once: json.dumps would create one per request
BODY_PROBLEMS = (MALFORMED_JSON, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED)


def document(
    view: View,
    *,
    problems: tuple[ProblemType, ...] = (),
    security: list[dict[str, list[str]]] | None = None,
    manual: dict[str, Any] | None = None,
) -> View:
    """Record which problems `view` can return and, if given, which authentication it accepts.

    manual: members of the operation, as for flask-smorest's `doc`, but without its extra call per request.
    """
    notes = deepcopy(getattr(view, "_apidoc", {}))
    notes.setdefault("problems", []).extend(problems)
    if manual is not None:
        notes["manual_doc"] = deepupdate(notes.get("manual_doc", {}), deepcopy(manual))
    if security is not None:
        notes["security"] = security
    view._apidoc = notes  # type: ignore[attr-defined]
    return view


def answers(*problems: ProblemType) -> Callable[[View], View]:
    """Declare the problems that a view raises, so that the contract lists them."""

    def decorator(view: View) -> View:
        return document(view, problems=problems)

    return decorator


@dataclass(frozen=True)
class WithHeaders:
    """The result of a view that adds `headers` to the serialized `value`."""

    value: Any
    headers: Mapping[str, str]


def json_response(value: Any, status: int) -> Response:
    """Return the answer with `value` as compact JSON."""
    return Response(f"{_compact(value)}\n", status, content_type="application/json")


def no_content() -> Response:
    """Return a 204 answer, without a body and the headers that describe one (RFC 9110 section 15.3.5)."""
    answer = Response(status=204)
    del answer.headers["Content-Type"]
    return answer


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A feature's operations."""

    ARGUMENTS_PARSER: FlaskParser = JsonBodyParser()
    BODY_LOCATION = "json"
    BODY_PROBLEMS: tuple[ProblemType, ...] = BODY_PROBLEMS
    PROBLEM_FORMAT = PROBLEM_JSON

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_problems_and_security)

    def arguments(self, schema: ma.Schema, **kwargs: Any) -> Callable[[View], View]:
        """Parse the body (JSON, unless a subclass changes it), and declare the problems of invalid bodies."""
        take_body = super().arguments(schema, location=self.BODY_LOCATION, **kwargs)

        def decorator(view: View) -> View:
            taken: View = take_body(view)
            return document(taken, problems=self.BODY_PROBLEMS)

        return decorator

    def query(self, schema: ma.Schema) -> Callable[[View], View]:
        """Parse the query into a dictionary, passed before other arguments, and declare `invalid_query`."""
        take_query = super().arguments(schema, location="query")

        def decorator(view: View) -> View:
            taken: View = take_query(view)
            return document(taken, problems=(INVALID_QUERY,))

        return decorator

    # flask-smorest has no type annotations. These methods add them to its decorators.

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view; see flask-smorest."""
        decorator: Callable[[View], View] = super().route(rule, **options)
        return decorator

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[View], View]:
        """Declare the answer of a view, as flask-smorest does, and serialize it faster.

        The path parameters are first checked against the contract. A view returns a value for `schema`, optionally as
        `WithHeaders`, or a Response, which is sent unchanged.
        """
        declare = super().response(status_code, schema, **options)
        serializer = resolve_schema_instance(schema)

        def decorator(view: View) -> View:
            is_async = inspect.iscoroutinefunction(view)

            @wraps(view)
            def answered(*args: Any, **kwargs: Any) -> Response:
                if kwargs:
                    path_parameters.check(kwargs)
                result = (current_app.async_to_sync(view) if is_async else view)(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                if not isinstance(result, WithHeaders):
                    return json_response(serializer.dump(result), status_code)
                answer = json_response(serializer.dump(result.value), status_code)
                answer.headers.update(result.headers)
                return answer

            answered._apidoc = declare(view)._apidoc  # type: ignore[attr-defined]
            return answered  # type: ignore[return-value]

        return decorator

    def alt_response(self, status_code: int, **options: Any) -> Callable[[View], View]:
        """Declare another answer of a view; see flask-smorest."""
        decorator: Callable[[View], View] = super().alt_response(status_code, **options)
        return decorator

    @staticmethod
    def doc(**notes: Any) -> Callable[[View], View]:
        """Add `notes` to the operation in the contract; see flask-smorest."""

        def decorator(view: View) -> View:
            return document(view, manual=notes)

        return decorator

    def _prepare_problems_and_security(self, doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
        # flask-smorest adds a catch-all and bare error references. Ours are exact.
        responses = {
            status: response
            for status, response in doc.get("responses", {}).items()
            if isinstance(response, dict) and status != "default"
        }
        doc["responses"] = responses | problem_responses(doc_info.get("problems", []), self.PROBLEM_FORMAT)
        doc["security"] = doc_info.get("security", [])  # a view without a guard is refused by guards.check
        return doc
