"""A resource server in FastAPI: it verifies access tokens with the published keys, without a call for each request.

ISSUER=https://auth.example.org AUDIENCE=https://api.example.org uvicorn main:app
"""

import os
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ.get("AUDIENCE", ISSUER)
JWKS_URI = os.environ.get("JWKS_URI", f"{ISSUER}/.well-known/jwks.json")

# Kept for the time that Ostiary allows, and fetched anew, at most each second, when a token names an unknown key.
keys = jwt.PyJWKClient(JWKS_URI, lifespan=300, timeout=5, cooldown_duration=1)
bearer = HTTPBearer(auto_error=False)
app = FastAPI()


# Not `async`: FastAPI runs it in a thread, and fetching the keys may take a moment.
def claims(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> dict[str, Any]:
    """Return the claims of the access token; answers 401 for anything else, 503 while the keys cannot be fetched."""
    if sent is None:
        raise HTTPException(401, "an access token is needed", {"WWW-Authenticate": "Bearer"})
    try:
        # RFC 9068: what is signed by the same key for another purpose is no access token.
        if jwt.get_unverified_header(sent.credentials).get("typ", "").lower() != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        return jwt.decode(
            sent.credentials,
            keys.get_signing_key_from_jwt(sent.credentials),
            algorithms=["ES256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=5,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise HTTPException(503, "the keys cannot be fetched", {"Retry-After": "2"}) from error
    except jwt.PyJWTError as error:
        raise HTTPException(
            401, "the access token is not valid", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        ) from error


@app.get("/orders")
def orders(caller: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, Any]:
    """Answer whose orders these are."""
    return {"user": caller["sub"], "orders": []}
