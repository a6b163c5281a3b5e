"""Is a secret one that a person typed? It is used without stretching, so it must not be worth guessing.

Nothing can tell that a secret is random; but repetition, sequences, words and placeholders of examples can be found.
"""

import math
import re

MIN_BITS = 64
"""Fewer guesses than 2 to this power can be made against a key that is derived without stretching."""
_MAX_JUDGED_LENGTH = 72
"""Characters that zxcvbn looks at; it refuses more."""
_PLACEHOLDER = re.compile(
    r"change[\W_]*(me|this|it|the)|replace[\W_]*(me|this|it)|your[\W_]*(own[\W_]*)?(secret|key|random)|placeholder|"
    r"insecure|not[\W_]*(so[\W_]*)?secret|(super|top|very|default|dev|my)[\W_]*secret",
    re.IGNORECASE,
)


def is_weak(secret: str) -> bool:
    """Return whether `secret` is obviously not random. Takes some tens of milliseconds."""
    if _PLACEHOLDER.search(secret):
        return True
    from zxcvbn import zxcvbn  # noqa: PLC0415 - some MiB, which development never needs

    return math.log2(int(zxcvbn(secret[:_MAX_JUDGED_LENGTH])["guesses"])) < MIN_BITS
