"""Path parameters: values that do not match their schema get 404, without a database query."""

import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
from flask import Flask, current_app, request

from ostiary.core.problems import CATALOGUE, NOT_FOUND, ProblemType
from ostiary.web.problem_format import documented_problems

_CHECKS = "ostiary.path_parameters"
_PAGE_NOT_FOUND = "page_not_found"
"""Refers to a cursor, not to the path."""

Check = tuple[jsonschema_rs.Draft202012Validator, ProblemType]


def path_of(rule: str) -> str:
    """Return the contract's path for a Flask rule: `/problems/<code>` becomes `/problems/{code}`.

    A rule for all paths below a path (`/authorize/<path:below>`) becomes that path: OpenAPI templates cannot match
    several segments (OpenAPI 3.1, Paths Object).
    """
    rule = re.sub(r"/<path:[^<>]+>$", "", rule)
    return re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule)


def parameters_of(document: Mapping[str, Any], path: str, method: str) -> list[dict[str, Any]]:
    """Return the parameters of a path in the contract, from the path item and its operations."""
    item = document["paths"][path]
    found = [*item.get("parameters", []), *item[method].get("parameters", [])]
    return [parameter for parameter in found if parameter["in"] == "path"]


def install(app: Flask, document: Mapping[str, Any]) -> None:
    """Set the contract whose schemas `check` uses.

    Operations without a documented 404 problem do not look up anything by path.
    """
    checks: dict[tuple[str, str], dict[str, Check]] = {}
    for path, item in document["paths"].items():
        for method in item.keys() - {"parameters"}:
            answer = item[method]["responses"].get(str(NOT_FOUND.status), {})
            codes = documented_problems(NOT_FOUND.status, answer)
            missing = [CATALOGUE[code] for code in codes if code != _PAGE_NOT_FOUND]
            parameters = parameters_of(document, path, method)
            if missing and parameters:
                checks[method.upper(), path] = {one["name"]: _check(one, missing) for one in parameters}
    app.extensions[_CHECKS] = checks


def _check(parameter: Mapping[str, Any], missing: list[ProblemType]) -> Check:
    """Return the validator of a parameter and its problem: for `user_id`, `user_not_found`."""
    stem = parameter["name"].removesuffix("_id").removesuffix("_name")
    kind = next((one for one in missing if one.code == f"{stem}_not_found"), missing[0])
    return jsonschema_rs.Draft202012Validator(parameter["schema"], validate_formats=True), kind


def check(values: Mapping[str, str]) -> None:
    """Raise the 404 problem of the current operation if one of the path `values` is impossible.

    Impossible values do not match their schema, or have invisible characters, such as NUL.
    """
    rule = request.url_rule
    if rule is None:
        return
    method = "GET" if request.method == "HEAD" else request.method
    checks = current_app.extensions.get(_CHECKS, {}).get((method, path_of(rule.rule)), {})
    for name, (validator, missing) in checks.items():
        if not values[name].isprintable() or not validator.is_valid(values[name]):
            raise missing()
