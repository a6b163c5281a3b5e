"""Operations on keys."""

from typing import Any

from flask import Response, after_this_request

from api.core.problems import DATABASE_UNAVAILABLE
from api.features.keys.schemas import Jwks
from api.features.keys.service import Keys
from api.web.blueprint import Blueprint, answers
from api.web.guards import public
from api.web.provide import provided

keys = Blueprint("tokens", __name__, description="For other services: verify tokens.")


@keys.route("/.well-known/jwks.json")
@public
@keys.response(200, Jwks, description="The public keys.")
@answers(DATABASE_UNAVAILABLE)
@keys.doc(operationId="getJwks")
async def get_jwks() -> dict[str, Any]:
    """Get the public keys that verify access tokens.

    A resource server verifies access tokens with these (RFC 7517, RFC 9068) without calling Ostiary each time. It may
    keep them for the time in Cache-Control, and should fetch them anew when a token names a key that it does not know.
    """
    after_this_request(_cacheable)
    return await provided(Keys).jwks()


def _cacheable(answer: Response) -> Response:
    if answer.status_code == 200:
        answer.headers["Cache-Control"] = "public, max-age=300"
    return answer
