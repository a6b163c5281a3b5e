"""Detect secrets that a person typed. The secret is used without stretching, so it must be too hard to guess.

No check can prove that a secret is random. But repetition, sequences, words and placeholders of examples can be found.
"""

import math
import re

MIN_BITS = 64
"""A secret is weak if zxcvbn needs fewer than 2 to this power guesses."""
_MAX_JUDGED_LENGTH = 72
"""Maximum characters that zxcvbn accepts."""
_PLACEHOLDER = re.compile(
    r"change[\W_]*(me|this|it|the)|replace[\W_]*(me|this|it)|your[\W_]*(own[\W_]*)?(secret|key|random)|placeholder|"
    r"insecure|not[\W_]*(so[\W_]*)?secret|(super|top|very|default|dev|my)[\W_]*secret",
    re.IGNORECASE,
)


def is_weak(secret: str) -> bool:
    """Return whether `secret` is obviously not random. Takes tens of milliseconds."""
    if _PLACEHOLDER.search(secret):
        return True
    from zxcvbn import zxcvbn  # noqa: PLC0415 - it takes a few MiB, and development never needs it

    return math.log2(int(zxcvbn(secret[:_MAX_JUDGED_LENGTH])["guesses"])) < MIN_BITS
