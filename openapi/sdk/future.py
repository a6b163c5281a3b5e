"""A contract of tomorrow: the present one with parts that it lacks, so that the generators are ready for them."""

import copy
from typing import Any

TEXT = {"type": "string", "description": "Some text.", "example": "text"}
NULLABLE = {**TEXT, "type": ["string", "null"]}
ETAG = {"name": "If-Match", "in": "header", "required": True, "description": "The version.", "schema": TEXT}
ID = {
    "name": "gift_card_id",
    "in": "path",
    "required": True,
    "description": "The card.",
    "schema": {"type": "string", "format": "uuid"},
}
LIMIT = {"name": "limit", "in": "query", "description": "How many.", "schema": {"type": "integer", "minimum": 1}}


def future(document: dict[str, Any]) -> dict[str, Any]:
    """Return `document` with members that may be null or missing, two successes, and a tag of two words.

    Raises ValueError if the present contract has one of these parts: then the present one tests it.
    """
    changed = copy.deepcopy(document)
    schemas, paths = changed["components"]["schemas"], changed["paths"]
    user = schemas["User"]
    added = {
        "phone": NULLABLE,
        "nickname": TEXT,
        "bio": NULLABLE,
        "invited_by": {"anyOf": [{"$ref": "#/components/schemas/Inviter"}, {"type": "null"}], "description": "Who."},
    }
    _add(user["properties"], added)
    user["required"] += ["phone", "invited_by"]
    _add(schemas["MyChangesBody"]["properties"], {"nickname": NULLABLE})
    gift_cards = {"type": "array", "items": {"$ref": "#/components/schemas/GiftCard"}}
    _add(
        schemas,
        {
            "Inviter": _object({"username": TEXT}, required=["username"]),
            "MfaChallenge": _object({"mfa_token": TEXT}, required=["mfa_token"]),
            "GiftCard": _object({"id": ID["schema"], "last_used_at": NULLABLE}, required=["id", "last_used_at"]),
            "GiftCardPage": _object({"items": gift_cards, "next": NULLABLE}, required=["items", "next"]),
        },
    )
    _add(paths["/login"]["post"]["responses"], {"202": _answer("MfaChallenge")})
    me = paths["/me"]["get"]
    refusals = {status: answer for status, answer in me["responses"].items() if int(status) >= 400}
    common = {"tags": ["gift cards"], "summary": "Do it.", "description": "It.", "security": me["security"]}
    paths["/me/gift-cards"] = {
        "get": {
            **common,
            "operationId": "getGiftCards",
            "parameters": [LIMIT],
            "responses": {"200": _answer("GiftCardPage"), **refusals},
        }
    }
    paths["/me/gift-cards/{gift_card_id}"] = {
        "delete": {
            **common,
            "operationId": "deleteGiftCard",
            "parameters": [ID, ETAG],
            "responses": {"204": {"description": "Gone."}, **refusals},
        }
    }
    changed["tags"].append({"name": "gift cards", "description": "Cards."})
    return changed


def _add(present: dict[str, Any], parts: dict[str, Any]) -> None:
    """Add parts that are not there yet."""
    if known := present.keys() & parts.keys():
        raise ValueError(f"the present contract has {sorted(known)}: take something else")
    present |= parts


def _object(properties: dict[str, Any], *, required: list[str]) -> dict[str, Any]:
    return {"type": "object", "description": "It.", "properties": properties, "required": required}


def _answer(name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": "It.", "content": {"application/json": {"schema": schema}}}
