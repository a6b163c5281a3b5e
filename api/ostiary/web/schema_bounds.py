"""What tools need of the contract's schemas: bounds everywhere, and parameters that a query can hold."""

from collections.abc import Iterator
from typing import Any

_OF_FORMAT = {"uuid": 36, "date-time": 64, "uri": 2048}
"""Characters of a text of each format; more digits of a second than `date-time` has room for are refused."""


def schemas_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a part of the contract that is a schema with a type, outermost first; examples are none."""
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
    """Write the greatest length of texts whose format decides on it: UUIDs, moments (RFC 3339), addresses."""
    for schema in schemas_of([document["paths"], document["components"]]):
        length = _OF_FORMAT.get(schema.get("format", ""))
        if length is not None:
            schema.setdefault("maxLength", length)


def without_null_parameters(document: dict[str, Any]) -> None:
    """Take `null` out of the schemas of parameters: a query, a path and a header cannot say it.

    marshmallow's fields that are None when they are left out come out as nullable with the default null, and generated
    clients send that as text.
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
