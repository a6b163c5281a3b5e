"""What an API key may be called, how long it lives, how many there are."""

import re

MAX_KEYS = 100
"""API keys that one user may have, those that have expired included."""
DEFAULT_DAYS = 90
MAX_DAYS = 365
"""Days after which an API key ends: unless said otherwise, and at most."""
MAX_NAME_LENGTH = 100

_EXCLUDED = r"\u0000-\u001F\u007F-\u009F\u2028\u2029"
NAME_PATTERN = rf"^[^{_EXCLUDED}]{{1,{MAX_NAME_LENGTH}}}$"
"""Anything but control characters and line breaks; alike in ECMA 262 and Python."""

_NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))


def is_name(text: str) -> bool:
    """Return whether an API key may be called so."""
    return _NAME.fullmatch(text) is not None
