"""Operations on signing keys."""

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

keys = Blueprint("tokens", __name__, description="For other services: verify, introspect and revoke tokens.")


@keys.route("/.well-known/jwks.json")
@public
@open_to_every_origin
@conditional
@keys.response(200, Jwks, headers=HEADERS, description="The public keys.")
@answers(DATABASE_UNAVAILABLE)
@keys.doc(operationId="getJwks")
async def get_jwks() -> Response:
    """Get the public keys for access tokens.

    Resource servers verify access tokens with these keys (RFC 7517, RFC 9068), without a call to Ostiary for each
    token. They can cache the keys for the time in Cache-Control. They should fetch the keys again when a token names an
    unknown key.
    """
    return _held(json.dumps(await provided(Keys).jwks(), separators=(",", ":")).encode()).answer()


@lru_cache(maxsize=4)
def _held(content: bytes) -> CachedResponse:
    """The cached response for one set of keys, which rarely changes."""
    return CachedResponse(content, "application/json", {"Cache-Control": f"public, max-age={JWKS_MAX_AGE}"})
