"""Lists that come in pages: how many to a page, and where the next one begins."""

import re
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

MOST = 100
"""Entries of a page, at the most."""
USUAL = 50
"""Entries of a page, unless the request says otherwise."""

CURSOR_PATTERN = "^[0-7][0-9a-f]{15}$"
"""A position of 63 bits. Whatever fits the pattern is a position, so that no cursor can be out of date or broken."""


class NumberInQuery(fields.Integer):
    """A whole number in decimal digits and nothing else; Python's own reading takes more."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise self.make_error("invalid", input=value)
        number: int = super()._validated(value)
        return number


class CursorText(fields.String):
    """Where a page begins: read as a number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(CURSOR_PATTERN.removesuffix("$"), text):
            raise ValidationError("Is no `next_cursor` of an answer.")
        return int(text, 16)


def cursor(position: int) -> str:
    """Return the cursor of a position, a number from 0 to 2**63 - 1."""
    return f"{position:016x}"


CURSOR = {
    "pattern": CURSOR_PATTERN,
    "minLength": 16,
    "maxLength": 16,
    "example": "000000000000002a",
}


class PageQuery(ma.Schema):
    """Which page; for `Blueprint.query`."""

    limit = NumberInQuery(
        load_default=USUAL,
        validate=validate.Range(1, MOST),
        metadata={"description": "The most entries that the page may have.", "example": 20},
    )
    cursor = CursorText(
        metadata={
            "description": "The `next_cursor` of the page before; without it the list begins.",
            **CURSOR,
        },
    )


def next_cursor() -> fields.String:
    """Return the member of a page that leads to the next one."""
    return fields.String(
        metadata={"description": "Where the next page begins; missing on the last one. Opaque.", **CURSOR},
    )
