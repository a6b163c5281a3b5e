"""What a user name is, and when two are the same."""

import re
import sys
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

LONGEST_EMAIL = 254
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL_PATTERN = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*$"
"""What browsers take in <input type=email> (WHATWG HTML section 4.10.5.1.5); before the @ no more than RFC 5321 has."""

_EMAIL = re.compile(EMAIL_PATTERN.removeprefix("^").removesuffix("$"))
_USERNAME = re.compile(USERNAME_PATTERN.removeprefix("^").removesuffix("$"))


def is_username(name: str) -> bool:
    """Return whether `name` may be a user name."""
    return _USERNAME.fullmatch(name) is not None


def is_email(address: str) -> bool:
    """Return whether `address` may be an email address."""
    return len(address) <= LONGEST_EMAIL and _EMAIL.fullmatch(address) is not None


def email_key(address: str) -> str:
    """Return the form under which an address is unique. It is ASCII; a few servers tell case apart, people do not."""
    return address.lower()


def after_prefix(prefix: str) -> str | None:
    """Return the first text, in the order of code points, after all that begin with `prefix`; None if none is."""
    for place in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[place]) + 1
        if code <= sys.maxunicode:
            return prefix[:place] + chr(0xE000 if code == 0xD800 else code)  # between them lie surrogates, no text
    return None


def username_key(name: str) -> str:
    """Return the form under which `name` is unique: case folded, compatibility characters unified (NFKC).

    Format characters are left out, since nobody sees them.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _visible(name)).casefold())
    return _visible(folded)


def _visible(text: str) -> str:
    return "".join(character for character in text if unicodedata.category(character) not in ("Cf", "Cc"))
