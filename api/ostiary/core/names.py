"""Names of users: which names are allowed, when two names are the same, and when two names look the same.

RFC 8265 must allow a new name (UsernameCaseMapped, with the tables of Python's Unicode version). All characters must be
visible. They must belong to one script, or to scripts that one language uses together ("highly restrictive", UTS 39
section 5.2), and all digits must be of one kind. Names that earlier releases accepted stay valid; `key` covers them.
"""

import re
import unicodedata

from precis_i18n import get_profile

from ostiary.core.name_tables import ANY, looks_like, scripts_of

MIN_LENGTH = 3
MAX_LENGTH = 64
MAX_MARKS = 4
"""Maximum nonspacing marks on one character (UTS 39 section 5.4)."""

_EXCLUDED = (
    r"\u0000-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F"
    r"\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\u3164\uE000-\uF8FF\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFF"
)
PATTERN = rf"^[^{_EXCLUDED}]{{{MIN_LENGTH},{MAX_LENGTH}}}$"
"""All names match it, including those of earlier releases. It works in ECMA 262 and Python. `fault` requires more."""

_FITS = re.compile(PATTERN.removeprefix("^").removesuffix("$"))
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
"""Invisible characters outside the categories in `_UNSEEN`: Default_Ignorable_Code_Point, and the Braille blank."""
_UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zs", "Zl", "Zp")
_USERNAME = get_profile("UsernameCaseMapped")
_WITH_LATIN = ("Jpan", "Hanb", "Kore")
"""The writing systems that also use Latin letters."""


def trimmed(name: str) -> str:
    """Return `name` without the white space around it, which keyboards add. A name of only white space is unchanged."""
    return name.strip() or name


def is_possible(name: str) -> bool:
    """Return whether a user with this name can exist. Earlier releases accepted more names."""
    return _FITS.fullmatch(name) is not None


def fault(name: str) -> str | None:
    """Return the fault of `name` as a new name in one sentence; None if it has none."""
    if not MIN_LENGTH <= len(name) <= MAX_LENGTH or len(key(name)) < MIN_LENGTH:
        return f"Not {MIN_LENGTH} to {MAX_LENGTH} characters long."
    if any(unicodedata.category(one) in _UNSEEN for one in name) or _INVISIBLE.search(name):
        return "Has white space, a control character, or a character that is invisible or means nothing."
    try:
        _USERNAME.enforce(name)
    except UnicodeEncodeError:
        return "Has characters, or an order of them, that a user name may not have (RFC 8265)."
    if _has_stray_marks(name):
        return "Has marks without a letter, or too many on one."
    if not is_whole(name):
        return "Mixes scripts that no language writes together (UTS 39), or digits of several kinds."
    return None


def key(name: str) -> str:
    """Return the form under which `name` is unique: case folded, compatibility characters unified (NFKC).

    Format characters are left out, because they are invisible.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _visible(name)).casefold())
    return _visible(folded)


def skeleton(name: str) -> str:
    """Return a text that is the same for names that look the same, in any case.

    It is the skeleton of UTS 39 section 4, computed for `name` as written and again after case folding: a capital I
    looks like a small L, and a name may be written in capitals. It is only for comparison, never for display. Names of
    roles have a skeleton, too.
    """
    return _prototypes(_prototypes(unicodedata.normalize("NFKC", name)).casefold())


def is_whole(name: str) -> bool:
    """Return whether the scripts of `name` are "highly restrictive" (UTS 39 section 5.2) and its digits of one kind."""
    zeros = {ord(one) - unicodedata.decimal(one) for one in name if unicodedata.category(one) == "Nd"}
    if len(zeros) > 1:
        return False
    scripts = [found for found in map(scripts_of, unicodedata.normalize("NFC", name)) if found is not ANY]
    if not scripts or frozenset.intersection(*scripts):
        return True
    others = [found for found in scripts if "Latn" not in found]
    return any(all(system in found for found in others) for system in _WITH_LATIN)


def _prototypes(text: str) -> str:
    seen = (one for one in unicodedata.normalize("NFD", text) if not _is_invisible(one))
    return unicodedata.normalize("NFD", "".join(looks_like().get(one, one) for one in seen))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf"} or _INVISIBLE.match(character) is not None


def _has_stray_marks(name: str) -> bool:
    marks = ""
    for place, one in enumerate(unicodedata.normalize("NFD", name)):
        category = unicodedata.category(one)
        if place == 0 and category[0] == "M":
            return True
        if category != "Mn":
            marks = ""
        elif one == marks[-1:] or len(marks) == MAX_MARKS:
            return True
        else:
            marks += one
    return False


def _visible(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) not in {"Cf", "Cc"})
