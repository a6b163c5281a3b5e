"""Limits of API keys: names, lifetimes and their number."""

import re

MAX_KEYS = 100
"""Maximum number of API keys of a user, including expired ones."""
DEFAULT_DAYS = 90
MAX_DAYS = 365
"""The default and the maximum lifetime of an API key, in days."""
MAX_NAME_LENGTH = 100

_EXCLUDED = r"\u0000-\u001F\u007F-\u009F\u2028\u2029"
NAME_PATTERN = rf"^[^{_EXCLUDED}]{{1,{MAX_NAME_LENGTH}}}$"
"""Anything but control characters and line breaks; alike in ECMA 262 and Python."""

_NAME = re.compile(NAME_PATTERN.removeprefix("^").removesuffix("$"))


def is_name(text: str) -> bool:
    """Return whether an API key can have this name."""
    return _NAME.fullmatch(text) is not None
