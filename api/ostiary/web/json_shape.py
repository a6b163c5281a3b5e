"""Bounds on the shape of a JSON text, before Python makes objects of it.

Reading 64 KiB of JSON and comparing it with a schema would take 20 ms of the event loop if it were 8,000 members or
20,000 empty objects. The text is looked through once, and no further than to the first bound that it exceeds.
"""

import re

MAX_DEPTH = 32
MAX_MEMBERS = 64
"""Members of one object; no body of the contract has more than 6."""
MAX_ITEMS = 128
"""Items of one array; no body of the contract has more than 100."""
MAX_VALUES = 512
"""Strings (names of members, too) and structural characters in all."""
MAX_NUMBER = 256
"""Characters of one number."""
MAX_ESCAPES = 4096
"""Backslashes in all: two passwords of 1,024 characters, each escaped as a pair of surrogates."""

# Each match is what leads to the next string or structural character, and that one; a string is passed over whole.
_NEXT = re.compile(rb'[^"\[\]{},]*+(?:"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+"?|([\[\]{},])|\Z)')


class TooMuch(ValueError):
    """A bound is exceeded; the text says which."""


def check(text: bytes) -> None:
    """Raise TooMuch if the JSON in `text` is too deep, or has too many members, items or values.

    Whether it is JSON at all is not asked here. The length of numbers is bounded by `number`.
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
    """Return the integer; raises TooMuch for more digits than are read, whose cost grows with their square."""
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
