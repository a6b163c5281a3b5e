"""Ids: UUIDs in their usual text form."""

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Return whether `text` may be an id; what may not is not looked up."""
    return _UUID.fullmatch(text) is not None
