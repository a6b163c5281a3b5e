"""What a user name is, and when two are the same."""

import re
import unicodedata

SHORTEST_USERNAME = 3
LONGEST_USERNAME = 64
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024

_EXCLUDED = (
    r"\u0000-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F"
    r"\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\u3164\uE000-\uF8FF\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFF"
)
USERNAME_PATTERN = rf"^[^{_EXCLUDED}]{{{SHORTEST_USERNAME},{LONGEST_USERNAME}}}$"
"""Anything but control characters, white space, what is invisible and private use; alike in ECMA 262 and Python."""

_USERNAME = re.compile(USERNAME_PATTERN.removeprefix("^").removesuffix("$"))


def is_username(name: str) -> bool:
    """Return whether `name` may be a user name."""
    return _USERNAME.fullmatch(name) is not None


def username_key(name: str) -> str:
    """Return the form under which `name` is unique: case folded, compatibility characters unified (NFKC).

    Format characters are left out, since nobody sees them.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _visible(name)).casefold())
    return _visible(folded)


def _visible(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) not in ("Cf", "Cc"))
