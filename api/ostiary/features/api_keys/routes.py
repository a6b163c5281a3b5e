"""Operations on the caller's own API keys."""

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
    "description": "The id of the API key, as listed by GET /me/api-keys.",
    "schema": {"type": "string", "format": "uuid"},
    "example": API_KEY_ID["example"],
}

LOCATION = {"Location": {"$ref": "#/components/headers/Location"}}

AFTER_CREATING = {
    "list": {"operationId": "listMyApiKeys", "description": "List your API keys. The new one comes first."},
    "revoke": {
        "operationId": "revokeMyApiKey",
        "description": "Revoke the API key.",
        "parameters": {"api_key_id": "$response.body#/id"},
    },
}


@api_keys.route("/me/api-keys")
@requires(scope=ME_READ)
@api_keys.response(200, ApiKeyList, description="The API keys.")
@answers(DATABASE_UNAVAILABLE)
@api_keys.doc(operationId="listMyApiKeys")
async def list_my_api_keys() -> dict[str, Any]:
    """List your API keys.

    The newest keys come first. Expired keys are included. The keys themselves cannot be retrieved again; use `hint` to
    tell them apart.
    """
    return {"api_keys": await provided(ApiKeys).keys_of(principal().user_id)}


@api_keys.route("/me/api-keys", methods=["POST"])
@requires(fresh=True)
@api_keys.arguments(NewApiKeyBody(), example={"name": "nightly report", "scopes": ["me:read"], "expires_in_days": 30})
@idempotent
@api_keys.response(
    201, ApiKeyWithSecret, headers=LOCATION, description="The new API key. The key itself is returned only here."
)
@answers(SCOPE_NOT_HELD, TOO_MANY_API_KEYS, DATABASE_UNAVAILABLE)
@api_keys.doc(operationId="createMyApiKey", responses={201: {"links": AFTER_CREATING}})
async def create_my_api_key(body: dict[str, Any]) -> Response:
    """Create an API key.

    A program sends the key as `Authorization: Bearer …` instead of an access token. It then acts as the user, within
    the scopes of the key. Operations that need a login, such as this one, do not accept API keys. Ostiary stores only a
    digest, so the key cannot be shown again. This operation needs a recent login (RFC 9470).
    """
    created = await provided(ApiKeys).create(
        actor(), body["name"], body["scopes"], body["expires_in_days"], request_info()
    )
    answer = json_response(ApiKeyWithSecret().dump(created), 201)
    answer.headers["Location"] = url_for(".revoke_my_api_key", api_key_id=created.id)
    return answer


@api_keys.route("/me/api-keys/<api_key_id>", methods=["DELETE"], parameters=[API_KEY_PARAMETER])
@requires(scope=ME_WRITE)
@api_keys.response(204, description="The API key is revoked.")
@answers(API_KEY_NOT_FOUND, DATABASE_UNAVAILABLE)
@api_keys.doc(operationId="revokeMyApiKey")
async def revoke_my_api_key(api_key_id: str) -> Response:
    """Revoke an API key.

    Every worker refuses the key from the next request on. This cannot be undone. Create a new key instead.
    """
    await provided(ApiKeys).revoke(actor(), api_key_id, request_info())
    return no_content()
