"""Small OpenAPI documents to compare."""

from typing import Any

from openapi.gate import Change, Side, compare

Json = dict[str, Any]
STRING = {"type": "string"}


def contract(operation: Json, components: Json | None = None, **members: Any) -> Json:
    """A document with one operation, `POST /things`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1.0.0"},
        "paths": {"/things": {"post": operation}},
        "components": components or {},
    } | members


def json_content(schema: Any) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def holding(side: Side, schema: Any, schemas: Json | None = None) -> Json:
    """A document in which `schema` stands on `side`."""
    operation: Json = {"operationId": "makeThing", "responses": {}}
    if side is Side.REQUEST:
        operation["requestBody"] = json_content(schema)
    else:
        operation["responses"]["200" if side is Side.ANSWER else "422"] = json_content(schema)
    return contract(operation, {"schemas": schemas or {}})


def changed(old: Json, new: Json) -> list[Change]:
    return compare(old, new)


def record(required: str = "", **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": members}
    return found | {"required": required.split()} if required else found


def string(**keywords: Any) -> dict[str, Any]:
    return STRING | keywords


def number(**keywords: Any) -> dict[str, Any]:
    return {"type": "number"} | keywords


def listing(**keywords: Any) -> dict[str, Any]:
    return {"type": "array", "items": STRING} | keywords


def ref(name: str, **keywords: Any) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"} | keywords


def one_of(*names: str) -> dict[str, Any]:
    return {"oneOf": [ref(name) for name in names]}
