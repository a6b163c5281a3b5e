"""Ids: UUIDs in their usual text form."""

import re

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Return whether `text` has the form of an id. Other texts are not looked up."""
    return _UUID.fullmatch(text) is not None
