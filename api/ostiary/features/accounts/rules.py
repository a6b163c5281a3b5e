"""Rules for user names, passwords and email addresses, and their equality. See also ostiary.core.names."""

import re
import sys

from ostiary.core import names

MIN_USERNAME_LENGTH = names.MIN_LENGTH
MAX_USERNAME_LENGTH = names.MAX_LENGTH
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1024

username_key = names.key
username_skeleton = names.skeleton

MAX_EMAIL_LENGTH = 254
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL_PATTERN = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*$"
"""What browsers take in <input type=email> (WHATWG HTML section 4.10.5.1.5); before the @ no more than RFC 5321 has."""

_EMAIL = re.compile(EMAIL_PATTERN.removeprefix("^").removesuffix("$"))


def is_email(address: str) -> bool:
    """Return whether `address` may be an email address."""
    return len(address) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(address) is not None


def email_key(address: str) -> str:
    """Return the unique form of an address. It is ASCII. Few servers distinguish case, and users do not."""
    return address.lower()


def after_prefix(prefix: str) -> str | None:
    """Return the first text after all texts with `prefix`, in the order of code points; None if there is none."""
    for place in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[place]) + 1
        if code <= sys.maxunicode:
            return prefix[:place] + chr(
                0xE000 if code == 0xD800 else code
            )  # the code points between them are surrogates, not text
    return None
