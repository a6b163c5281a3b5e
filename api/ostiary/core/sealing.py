"""Sealing of secrets at rest: AES-256-GCM under keys derived with HKDF-SHA256 (NIST SP 800-38D, RFC 5869)."""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ostiary.core.randomness import Randomness

_NONCE_BYTES = 12


def derive(secret: str, purpose: str) -> bytes:
    """Return 256 bits derived from `secret`. The bits of one `purpose` reveal nothing about those of another."""
    return HKDF(hashes.SHA256(), length=32, salt=None, info=f"ostiary {purpose}".encode()).derive(secret.encode())


class Unsealable(Exception):
    """The value was sealed under another secret or for another purpose, or it was altered."""


class Sealer:
    """Seals and unseals small values under one secret.

    `purpose` separates the uses of one secret: a value sealed for one purpose cannot be unsealed for another.
    """

    def __init__(self, secret: str, purpose: str, randomness: Randomness) -> None:
        self._cipher = AESGCM(derive(secret, purpose))
        self._randomness = randomness

    def seal(self, plain: bytes, context: str) -> bytes:
        """Return `plain` encrypted and bound to `context` (the id of the row that it belongs to)."""
        nonce = self._randomness.bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Return the sealed value. Raises Unsealable if secret, purpose or context differ, or if a bit was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise Unsealable(context) from error


def digest(token: str) -> str:
    """Return the SHA-256 of an opaque random token in hexadecimal. The database keeps only this digest.

    A token of 256 random bits cannot be guessed, so a plain digest is enough (OWASP ASVS 11.4.1).
    """
    return hashlib.sha256(token.encode()).hexdigest()
