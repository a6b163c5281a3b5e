"""Operations on keys."""

import json
from functools import lru_cache

from flask import Response

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.features.keys.rules import JWKS_MAX_AGE
from ostiary.features.keys.schemas import Jwks
from ostiary.features.keys.service import Keys
from ostiary.web.blueprint import Blueprint, answers
from ostiary.web.cached_response import HEADERS, CachedResponse, conditional
from ostiary.web.cors import open_to_every_origin
from ostiary.web.guards import public
from ostiary.web.provide import provided

keys = Blueprint("tokens", __name__, description="For other services: verify tokens, ask about them, end them.")


@keys.route("/.well-known/jwks.json")
@public
@open_to_every_origin
@conditional
@keys.response(200, Jwks, headers=HEADERS, description="The public keys.")
@answers(DATABASE_UNAVAILABLE)
@keys.doc(operationId="getJwks")
async def get_jwks() -> Response:
    """Get the public keys that verify access tokens.

    A resource server verifies access tokens with these (RFC 7517, RFC 9068) without calling Ostiary each time. It may
    keep them for the time in Cache-Control, and should fetch them anew when a token names a key that it does not know.
    """
    return _held(json.dumps(await provided(Keys).jwks(), separators=(",", ":")).encode()).answer()


@lru_cache(maxsize=4)
def _held(content: bytes) -> CachedResponse:
    """The answer for one set of keys, which changes only now and then."""
    return CachedResponse(content, "application/json", {"Cache-Control": f"public, max-age={JWKS_MAX_AGE}"})
