"""The form of API keys. Secret scanners recognise it, and a mistyped key is refused without a look-up."""

import re
import zlib

from ostiary.core.randomness import Randomness

PREFIX = "ost_"
"""The prefix of every API key. No access token begins with it."""
LENGTH = len(PREFIX) + 43 + 6
HINT_LENGTH = 8
"""Characters of a key that are kept and shown, so that its owner recognises it. They hold 24 of its 256 bits."""
PATTERN = rf"{PREFIX}[A-Za-z0-9_-]{{43}}[0-9A-Za-z]{{6}}"
"""The pattern for secret scanners: prefix, 256 random bits in base64url (RFC 4648 section 5), checksum."""

_KEY = re.compile(PATTERN)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new(randomness: Randomness) -> str:
    """Return a new API key, which cannot be guessed."""
    secret = PREFIX + randomness.token()
    return secret + checksum(secret)


def checksum(secret: str) -> str:
    """Return the CRC-32 (ISO 3309) of prefix and random part as six digits in base 62, the highest first."""
    number = zlib.crc32(secret.encode())
    digits = []
    for _ in range(6):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def is_well_formed(key: str) -> bool:
    """Return whether `key` has the form and the checksum of an API key."""
    return _KEY.fullmatch(key) is not None and checksum(key[:-6]) == key[-6:]
