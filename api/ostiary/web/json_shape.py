"""Limits on the shape of a JSON text, checked before Python creates objects from it.

To parse and validate 64 KiB of JSON with 8,000 members or 20,000 empty objects would block the event loop for 20 ms.
The text is scanned once, and only up to the first limit that it exceeds.
"""

import re

MAX_DEPTH = 32
MAX_MEMBERS = 64
"""Maximum number of members of an object. No body in the contract has more than 6."""
MAX_ITEMS = 128
"""Maximum number of items of an array. No body in the contract has more than 100."""
MAX_VALUES = 512
"""Maximum number of strings (including names of members) and structural characters."""
MAX_NUMBER = 256
"""Maximum length of a number."""
MAX_ESCAPES = 4096
"""Maximum number of backslashes: two passwords of 1,024 characters, each escaped as a surrogate pair."""

# Each match ends with the next string or structural character. A string is skipped as a whole.
_NEXT = re.compile(rb'[^"\[\]{},]*+(?:"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+"?|([\[\]{},])|\Z)')


class TooMuch(ValueError):
    """A limit is exceeded; the message says which."""


def check(text: bytes) -> None:
    """Raise TooMuch if the JSON in `text` is too deep, or has too many members, items or values.

    This does not check whether the text is JSON. `number` limits the length of numbers.
    """
    if text.count(b"\\") > MAX_ESCAPES:
        raise TooMuch(f"more than {MAX_ESCAPES} escapes")
    separators = [0]  # for each open object or array, the commas in it so far
    bounds = [MAX_ITEMS]
    for count, found in enumerate(_NEXT.finditer(text)):
        if count > MAX_VALUES:
            raise TooMuch(f"more than {MAX_VALUES} values")
        character = found[1]
        if character is None:
            continue
        if character == b",":
            separators[-1] += 1
            if separators[-1] >= bounds[-1]:
                raise TooMuch(_too_many(bounds[-1]))
        elif character in b"[{":
            if len(bounds) > MAX_DEPTH:
                raise TooMuch(f"too deep: more than {MAX_DEPTH} levels deep")
            separators.append(0)
            bounds.append(MAX_ITEMS if character == b"[" else MAX_MEMBERS)
        elif len(bounds) > 1:
            separators.pop()
            bounds.pop()


def number(digits: str) -> int:
    """Return the integer; raises TooMuch for too many digits, because the cost grows with their square."""
    if len(digits) > MAX_NUMBER:
        raise TooMuch(f"a number too long, of more than {MAX_NUMBER} characters")
    return int(digits)


def fraction(digits: str) -> float:
    """Return the number; raises TooMuch."""
    if len(digits) > MAX_NUMBER:
        raise TooMuch(f"a number too long, of more than {MAX_NUMBER} characters")
    return float(digits)


def _too_many(bound: int) -> str:
    return f"an array has more than {bound} items" if bound == MAX_ITEMS else f"an object has more than {bound} members"
