"""Operations on the own API keys."""

from typing import Any

from flask import Response, url_for

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.scopes import ME_READ, ME_WRITE
from ostiary.features.api_keys.problems import API_KEY_NOT_FOUND, SCOPE_NOT_HELD, TOO_MANY_API_KEYS
from ostiary.features.api_keys.schemas import API_KEY_ID, ApiKeyList, ApiKeyWithSecret, NewApiKeyBody
from ostiary.features.api_keys.service import ApiKeys
from ostiary.web.blueprint import Blueprint, answers, json_response, no_content
from ostiary.web.guards import actor, principal, requires
from ostiary.web.idempotency import idempotent
from ostiary.web.provide import provided, request_info

api_keys = Blueprint("api keys", __name__, description="Keys for programs that act as the user.")

API_KEY_PARAMETER = {
    "in": "path",
    "name": "api_key_id",
    "required": True,
    "description": "The API key, as GET /me/api-keys names it.",
    "schema": {"type": "string", "format": "uuid"},
    "example": API_KEY_ID["example"],
}

LOCATION = {"Location": {"$ref": "#/components/headers/Location"}}

AFTER_CREATING = {
    "list": {"operationId": "listMyApiKeys", "description": "All own API keys, this one first."},
    "revoke": {
        "operationId": "revokeMyApiKey",
        "description": "Revoke it.",
        "parameters": {"api_key_id": "$response.body#/id"},
    },
}


@api_keys.route("/me/api-keys")
@requires(scope=ME_READ)
@api_keys.response(200, ApiKeyList, description="The API keys.")
@answers(DATABASE_UNAVAILABLE)
@api_keys.doc(operationId="listMyApiKeys")
async def list_my_api_keys() -> dict[str, Any]:
    """List the own API keys.

    The newest first, also those that have expired. The keys themselves cannot be got again; `hint` tells them apart.
    """
    return {"api_keys": await provided(ApiKeys).keys_of(principal().user_id)}


@api_keys.route("/me/api-keys", methods=["POST"])
@requires(fresh=True)
@api_keys.arguments(NewApiKeyBody(), example={"name": "nightly report", "scopes": ["me:read"], "expires_in_days": 30})
@idempotent
@api_keys.response(201, ApiKeyWithSecret, headers=LOCATION, description="The API key, shown this once.")
@answers(SCOPE_NOT_HELD, TOO_MANY_API_KEYS, DATABASE_UNAVAILABLE)
@api_keys.doc(operationId="createMyApiKey", responses={201: {"links": AFTER_CREATING}})
async def create_my_api_key(body: dict[str, Any]) -> Response:
    """Make an API key.

    A program sends it as `Authorization: Bearer …` in place of an access token, and acts as the user within the key's
    scopes; what needs a person, such as this, it cannot do. Only its digest is kept, so nobody can show it again. The
    login must be recent (RFC 9470).
    """
    created = await provided(ApiKeys).create(
        actor(), body["name"], body["scopes"], body["expires_in_days"], request_info()
    )
    answer = json_response(ApiKeyWithSecret().dump(created), 201)
    answer.headers["Location"] = url_for(".revoke_my_api_key", api_key_id=created.id)
    return answer


@api_keys.route("/me/api-keys/<api_key_id>", methods=["DELETE"], parameters=[API_KEY_PARAMETER])
@requires(scope=ME_WRITE)
@api_keys.response(204, description="The API key is worth nothing any more.")
@answers(API_KEY_NOT_FOUND, DATABASE_UNAVAILABLE)
@api_keys.doc(operationId="revokeMyApiKey")
async def revoke_my_api_key(api_key_id: str) -> Response:
    """Revoke an API key.

    Every worker refuses it from the next request on. It cannot be undone; make another key instead.
    """
    await provided(ApiKeys).revoke(actor(), api_key_id, request_info())
    return no_content()
