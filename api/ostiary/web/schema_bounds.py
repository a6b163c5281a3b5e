"""Adapts the contract's schemas to tools: limits everywhere, and parameters that a query can express."""

from collections.abc import Iterator
from typing import Any

_OF_FORMAT = {"uuid": 36, "date-time": 64, "uri": 2048}
"""Maximum length of a text of each format. A `date-time` with more fractional digits is refused."""


def schemas_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all schemas with a type in a part of the contract, outermost first. Examples are skipped."""
    if isinstance(value, list):
        for one in value:
            yield from schemas_of(one)
    elif isinstance(value, dict):
        if isinstance(value.get("type"), str | list):
            yield value
        for name, one in value.items():
            if name not in ("example", "examples", "default", "enum", "const"):
                yield from schemas_of(one)


def bound_formats(document: dict[str, Any]) -> None:
    """Set the maximum length of texts whose format determines it: UUIDs, moments (RFC 3339), addresses."""
    for schema in schemas_of([document["paths"], document["components"]]):
        length = _OF_FORMAT.get(schema.get("format", ""))
        if length is not None:
            schema.setdefault("maxLength", length)


def without_null_parameters(document: dict[str, Any]) -> None:
    """Remove `null` from the schemas of parameters: queries, paths and headers cannot express it.

    marshmallow fields with the default None become nullable, with the default null. Generated clients would send that
    as text.
    """
    for item in document["paths"].values():
        for method, operation in item.items():
            for parameter in operation if method == "parameters" else operation.get("parameters", []):
                _without_null(parameter["schema"])


def _without_null(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("type"), list):
        (schema["type"],) = [kind for kind in schema["type"] if kind != "null"]
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    if "default" in schema and schema["default"] is None:
        del schema["default"]
