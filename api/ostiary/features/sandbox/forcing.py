"""Forced errors: how a request gets them, and how the sandbox's contract lists them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import Flask, request

from ostiary.core.problems import RATE_LIMITED
from ostiary.features.sandbox.service import Sandbox
from ostiary.web.openapi import contract, operations, problem_codes
from ostiary.web.problem_format import format_of, problem_schema
from ostiary.web.problem_responses import problem_responses

PREFIX = "/sandbox/"


def extend(document: dict[str, Any]) -> None:
    """Turn `document` into the sandbox's contract.

    All operations except the sandbox's own can answer 429, as behind a gateway that limits rates. The codes that can be
    forced are listed.
    """
    schemas = document["components"]["schemas"]
    for path, operation in _forcible(document):
        (answer,) = problem_responses([RATE_LIMITED], format_of(path)).values()
        operation["responses"] = dict(sorted({**operation["responses"], "429": answer}.items()))
    schemas[RATE_LIMITED.schema_name] = problem_schema(RATE_LIMITED, is_under_oauth=True)
    schemas["ForcedError"]["properties"]["code"]["enum"] = sorted(documented_codes(document))


def documented_codes(document: dict[str, Any]) -> frozenset[str]:
    """Return the codes of all problems that operations document, except the sandbox's own operations."""
    return frozenset(code for _, operation in _forcible(document) for code in problem_codes(operation))


def install(app: Flask, sandbox: Sandbox) -> None:
    """Let `sandbox` answer requests with the errors to force."""

    @cache
    def codes(rule: str, method: str) -> frozenset[str]:
        operation = contract().operation(rule, method)
        return frozenset() if operation is None or rule.startswith(PREFIX) else frozenset(problem_codes(operation))

    @app.before_request
    def interrupt() -> None:
        if request.url_rule is not None:
            problem = sandbox.forced(codes(request.url_rule.rule, request.method))
            if problem is not None:
                raise problem


def _forcible(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path, operation) for _, path, operation in operations(document) if not path.startswith(PREFIX))
