"""Random values and ids. Only this module creates them."""

import secrets  # noqa: TID251 - this is the source that the rule asks for
from typing import Protocol

import uuid_utils  # noqa: TID251 - this is the source that the rule asks for


class Randomness(Protocol):
    """The interface of random sources. All code that needs an unpredictable value gets one."""

    def new_id(self) -> str:
        """Return a new UUIDv7 (RFC 9562) in its usual text form; later ids sort after earlier ones."""
        ...

    def token(self) -> str:
        """Return 256 random bits, base64url without padding (43 characters)."""
        ...

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        ...


class SystemRandomness:
    """The operating system's cryptographic randomness."""

    def new_id(self) -> str:
        """Return a new UUIDv7 (RFC 9562) in its usual text form; later ids sort after earlier ones."""
        return str(uuid_utils.uuid7())

    def token(self) -> str:
        """Return 256 random bits, base64url without padding (43 characters)."""
        return secrets.token_urlsafe(32)

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        return secrets.token_bytes(count)
