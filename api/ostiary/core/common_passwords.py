"""Detect passwords that attackers try first (NIST SP 800-63B-4 section 3.1.1.2; OWASP ASVS 6.2.4 and 6.2.11).

The list is zxcvbn's: about 30,000 passwords from breaches, most frequent first, in lower case. Passwords derived from
an expected word, such as the user's or the service's name, and passwords that repeat or count are also detected.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

MAX_PADDING = 4
"""Maximum characters of padding around a common password or an expected word, such as `2026` or `!!`."""
MIN_WORD = 3
MIN_RUN = 3
"""Minimum number of characters that repeat or count."""

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm")
_PAIRS = frozenset(pair for row in _ROWS for line in (row, row[::-1]) for pair in itertools.pairwise(line))
_LEET = ("0134578@$!|", ("oieastbasil", "oleastbasil"))
"""Digits and signs, and the letters that they replace."""


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - it takes a few MiB, and the command line never needs it

    return frozenset(FREQUENCY_LISTS["passwords"])


def load() -> None:
    """Load the list. Otherwise the first check loads it."""
    _common()


def is_common(password: str) -> bool:
    """Return whether `password`, regardless of case, is among the common ones."""
    return password.lower() in _common()


def is_guessable(password: str, expected: Iterable[str] = ()) -> bool:
    """Return whether `password` is common, repeats or counts, or consists of `expected` words.

    expected: words such as the names of the user and the service. Case, a few characters of padding, repetition,
    backward spelling, and digits for letters do not make a password different.
    """
    text = unicodedata.normalize("NFKC", password).casefold()
    words = sorted({part for word in expected for part in _parts(word)}, key=len, reverse=True)
    return any(_is_guessable(one, words) for one in _spellings(text))


def _spellings(text: str) -> Iterable[str]:
    signs, letters = _LEET
    yield text
    for these in letters:
        yield text.translate(str.maketrans(signs, these))


def _parts(word: str) -> Iterable[str]:
    """Return `word`, the words in it, `word` without digits around it, and each of these backwards."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    for part in (folded, re.sub(r"[\W_]", "", folded), folded.strip("0123456789"), *re.split(r"[\W_]+", folded)):
        if len(part) >= MIN_WORD:
            yield part
            yield part[::-1]


def _is_guessable(text: str, words: list[str]) -> bool:
    if is_common(text) or _is_monotonous(text):
        return True
    unit = _unit(text)
    if unit != text:
        return len(unit) <= MIN_RUN or _is_guessable(unit, words)
    rest = text
    for word in words:
        rest = rest.replace(word, "")
    if rest != text and _is_padding(rest, len(text) - len(rest)):
        return True
    return any(is_common(core) and _is_padding(padding, len(core)) for core, padding in _cores(text))


def _cores(text: str) -> Iterable[tuple[str, str]]:
    """Return `text` without surrounding signs, and without surrounding signs and digits, each with what was removed."""
    for around in (r"[\W_]*", r"[\W\d_]*"):
        found = re.fullmatch(rf"({around})(.*?)({around})", text, re.DOTALL)
        if found and len(found[2]) > MAX_PADDING:
            yield found[2], found[1] + found[3]


def _is_padding(text: str, known: int) -> bool:
    """Return whether `text` adds nothing to `known` characters that are guessed anyway."""
    bare = re.sub(r"[\W_]", "", text)
    few = len(bare) <= MAX_PADDING and (len(bare) < known or bare.isdecimal())
    return few or _is_monotonous(bare) or is_common(bare)


def _is_monotonous(text: str) -> bool:
    """Return whether `text` consists of runs of one character, or of neighbours in the alphabet or on a keyboard."""
    run, step = 1, ""
    for one, other in itertools.pairwise(text):
        found = _step(one, other)
        if found and found in (step or found):
            run, step = run + 1, found
        elif run >= MIN_RUN:
            run, step = 1, ""
        else:
            return False
    return run >= MIN_RUN


def _step(one: str, other: str) -> str:
    by_one = {0: "same", 1: "up", -1: "down"}.get(ord(other) - ord(one), "")
    return by_one or ("row" if (one, other) in _PAIRS else "")


def _unit(text: str) -> str:
    """Return the shortest text of which `text` is a repetition."""
    length = (text + text).find(text, 1)
    return text[:length] if 0 < length < len(text) else text
