"""Access tokens: JWTs as in RFC 9068, signed with ES256 (RFC 7518) and verified according to RFC 8725."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cryptography.hazmat.backends.openssl.backend  # noqa: F401 - otherwise the first signature imports it
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ostiary.core.clock import Clock
from ostiary.core.principal import AAL1, Principal
from ostiary.core.scopes import OWN
from ostiary.core.token_cache import TokenCache

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068 section 2.1
CLIENT_ID = "ostiary"
MAX_TOKEN_LENGTH = 4096
"""Maximum characters. A longer text is not one of our tokens and is not parsed."""
MAX_CLOCK_SKEW = 10
"""Seconds by which a token may be from the future, because the clock of its issuer is ahead."""
REMEMBERED_TOKENS = 20_000
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LAST_OF_THREE = "AEIMQUYcgkosw048"
"""The characters whose two lowest bits are zero: three of base64 hold 16 bits and these two."""
_REQUIRED_CLAIMS = ["iss", "aud", "sub", "iat", "exp", "jti", "sid", "client_id", "auth_time"]


class InvalidAccessToken(Exception):
    """The token is not one of ours, or it has expired."""


class UnknownKey(InvalidAccessToken):
    """The token names an unknown key. Another worker may just have created it."""


@dataclass(frozen=True)
class SigningKey:
    """A P-256 key pair with the id by which tokens name it."""

    kid: str
    private_key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls, kid: str) -> "SigningKey":
        """Create a new key pair."""
        return cls(kid, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_der(cls, kid: str, der: bytes) -> "SigningKey":
        """Read a key pair from PKCS#8 DER; raises ValueError for anything else."""
        key = serialization.load_der_private_key(der, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise TypeError("not a P-256 private key")
        return cls(kid, key)

    def to_der(self) -> bytes:
        """Return the private key as PKCS#8 DER."""
        return self.private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def to_jwk(self) -> dict[str, Any]:
        """Return the public key as a JWK (RFC 7517)."""
        jwk = ECAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]} | {
            "kid": self.kid,
            "use": "sig",
            "alg": ALGORITHM,
        }


@dataclass(frozen=True)
class Issued:
    """A new access token and its lifetime in seconds."""

    token: str
    expires_in: int


class AccessTokens:
    """Signs and verifies access tokens for one issuer and audience.

    `lifetime` is in seconds. A limited number of verified tokens is cached until they expire, so that a busy client
    does not cost an ES256 verification (about 100 µs) on each request. This class does not check whether the session of
    a token is still active.
    """

    def __init__(self, issuer: str, audience: str, lifetime: int, clock: Clock) -> None:
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._clock = clock
        self._cache = TokenCache(clock, REMEMBERED_TOKENS)

    def issue(self, key: SigningKey, principal: Principal, token_id: str, amr: list[str]) -> Issued:
        """Sign a token for `principal`, who has logged in. The token ends at its `expires_at` at the latest.

        Raises ValueError for a principal without a login, such as that of an API key.
        """
        if principal.expires_at is None or principal.auth_time is None:
            raise ValueError("access tokens are for those who have logged in")
        issued_at = int(self._clock.timestamp())
        expires_at = min(issued_at + self._lifetime, int(principal.expires_at.timestamp()))
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": principal.user_id,
            "client_id": CLIENT_ID,
            "iat": issued_at,
            "exp": expires_at,
            "jti": token_id,
            "sid": principal.session_id,
            "amr": amr,
            "acr": principal.acr,
            "auth_time": int(principal.auth_time.timestamp()),
            "ver": principal.position,
        }
        # Left out if empty, because some verifiers reject empty values (RFC 9068 sections 2.2.3 and 2.2.3.1).
        if principal.scopes:
            claims["scope"] = " ".join(sorted(principal.scopes))
        if principal.roles:
            claims["roles"] = sorted(principal.roles)
        token = jwt.encode(claims, key.private_key, ALGORITHM, {"typ": TOKEN_TYPE, "kid": key.kid})
        return Issued(token, expires_at - issued_at)

    def cached_principal(self, token: str) -> Principal | None:
        """Return the principal of `token` if it is in the cache and has not expired, else None."""
        return self._cache.get(token)

    def verify(self, token: str, keys: Mapping[str, SigningKey]) -> Principal:
        """Return the principal of `token`.

        Raises UnknownKey if its kid is not in `keys`, and InvalidAccessToken for all other faults, including expiry.
        """
        remembered = self.cached_principal(token)
        if remembered is not None:
            return remembered
        principal, expires_at = self._verify(token, keys, self._clock.timestamp())
        self._cache.put(token, expires_at, principal)
        return principal

    def _verify(self, token: str, keys: Mapping[str, SigningKey], now: float) -> tuple[Principal, float]:
        if len(token) > MAX_TOKEN_LENGTH or not _is_compact(token):
            raise InvalidAccessToken("too long, or not as a JWT is written")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ", "").lower() not in (TOKEN_TYPE, f"application/{TOKEN_TYPE}") or "crit" in header:
                raise InvalidAccessToken("not an access token of ours")
            key = keys.get(header.get("kid", ""))
            if key is None:
                raise UnknownKey(str(header.get("kid"))[:64])
            claims = jwt.decode(
                token,
                key.private_key.public_key(),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                # The times are compared below, against the injected clock.
                options={
                    "require": _REQUIRED_CLAIMS,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "strict_aud": True,
                },
            )
            # Python also reads JSON in UTF-16 and UTF-32. Both contain NULs, which this UTF-8 does not (RFC 8725 3.7).
            if any(b"\0" in base64.urlsafe_b64decode(f"{part}==") for part in token.split(".")[:2]):
                raise InvalidAccessToken("not UTF-8")
            principal = _principal(claims, key.kid)
        except InvalidAccessToken:
            raise
        # PyJWT and its parsers get arbitrary bytes here. On any of these exceptions, the token is refused.
        except (
            jwt.PyJWTError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            OverflowError,
            OSError,
            RecursionError,
        ) as error:
            raise InvalidAccessToken(type(error).__name__) from error
        # A shorter lifetime also applies to tokens issued earlier, because revocations are kept no longer than that.
        expires_at = min(claims["exp"], claims["iat"] + self._lifetime)
        begins_at = max(claims["iat"], claims.get("nbf", 0)) - MAX_CLOCK_SKEW
        if not begins_at <= now < expires_at:
            raise InvalidAccessToken("expired, or not valid yet")
        return principal, expires_at


def _is_compact(token: str) -> bool:
    """Return whether `token` has three parts in base64url, each in the canonical spelling of its bytes.

    That is the alphabet of RFC 4648 section 5 without padding (RFC 7515 section 2), with no bits after the last byte.
    """
    if _COMPACT.fullmatch(token) is None:
        return False
    for part in token.split("."):
        rest = len(part) % 4
        if rest == 1 or (rest == 2 and part[-1] not in "AQgw") or (rest == 3 and part[-1] not in _LAST_OF_THREE):
            return False
    return True


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a verified token. The claims of other tokens cannot be trusted."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _principal(claims: Mapping[str, Any], kid: str) -> Principal:
    """Return the principal of verified claims; raises InvalidAccessToken if a claim has another type than ours."""
    texts = [claims["sub"], claims["sid"], claims["client_id"], claims.get("scope", ""), claims.get("acr", AAL1)]
    times = [claims["exp"], claims["iat"], claims["auth_time"], claims.get("nbf", 0)]
    roles = claims.get("roles", [])
    position = claims.get("ver", 0)
    if (
        not all(isinstance(value, str) for value in texts)
        or not all(isinstance(value, int | float) for value in times)
        or not isinstance(position, int)
        # A string is iterable, too: "admin" would be five roles of one letter.
        or not (isinstance(roles, list) and all(isinstance(role, str) for role in roles))
    ):
        raise InvalidAccessToken("a claim has another type than ours")
    return Principal(
        user_id=claims["sub"],
        session_id=claims["sid"],
        roles=frozenset(roles),
        # Earlier releases issued no scopes and allowed everything that the scopes of the own account allow.
        scopes=frozenset(claims.get("scope", "").split()) if "ver" in claims else frozenset(OWN),
        auth_time=datetime.fromtimestamp(claims["auth_time"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        position=position,
        acr=claims.get("acr", AAL1),
        kid=kid,
    )
