"""Pagination: the parameters `limit` and `cursor`, the member `next_cursor` and the Link header (RFC 8288)."""

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
from flask import request

from ostiary.core.pages import Page, Position
from ostiary.core.problems import ProblemType
from ostiary.web.blueprint import WithHeaders
from ostiary.web.query import MAX_QUERY
from ostiary.web.schemas import Answer, Body

MOST = 100
"""Maximum number of items on a page."""
USUAL = 20
"""Default number of items on a page."""
MAX_CURSOR_LENGTH = 4096
"""More than any name needs: 64 characters have at most 33 bytes each when they are normalised (U+FDFA)."""

_NUMBER = re.compile("-?[0-9]{1,18}")
_BIGGEST = 2**63 - 1

PAGE_NOT_FOUND = ProblemType(
    code="page_not_found",
    status=404,
    title="The page does not exist",
    detail="This list did not issue the cursor for this sort order.",
    remedy="Start again without a cursor. For the next page, send next_cursor with the same sort.",
)


class QueryNumber(ma.fields.Integer):
    """An integer in the query: ASCII digits, perhaps with a minus before them; Python alone would take more."""

    def _validated(self, value: Any) -> int:
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class PageQuery(Body):
    """The parameters of a paginated list. The query schema of each list inherits them."""

    limit = QueryNumber(
        load_default=USUAL,
        validate=ma.validate.Range(1, MOST),
        metadata={"description": "The maximum number of items on the page.", "example": USUAL},
    )
    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, MAX_CURSOR_LENGTH),
        metadata={"description": "The `next_cursor` of the previous page, unchanged. Omit it to get the first page."},
    )


class PageAnswer(Answer):
    """The members of a page besides its items. The response schema of each list inherits them."""

    next_cursor = ma.fields.String(
        validate=ma.validate.Length(max=MAX_CURSOR_LENGTH),
        required=True,
        allow_none=True,
        metadata={"description": "The `cursor` of the next page; null on the last page.", "example": None},
    )


HEADERS: dict[str, Any] = {
    "Link": {
        "description": 'The address of the next page, if there is one: `<?…>; rel="next"` (RFC 8288).',
        "schema": {"type": "string", "maxLength": MAX_QUERY + 32, "pattern": '^<.+>; rel="next"$'},
        "example": '<?limit=20&cursor=WyJjcmVhdGVkX2F0Il0>; rel="next"',
    }
}
"""The headers of a page, for the contract."""


def cursor_of(position: Position, order: str) -> str:
    """Return the cursor for `position` in a list sorted by `order`."""
    # Not as ASCII: escapes take 12 bytes for a character beyond the basic plane, UTF-8 takes 4.
    text = json.dumps([order, *position], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def position_of(cursor: str | None, order: str, *kinds: type) -> Position | None:
    """Return the position of a cursor; None without a cursor.

    order: as in `cursor_of`. kinds: the types of its values, str or int. Raises the problem `page_not_found` for values
    that `cursor_of` cannot have returned.
    """
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found: Any = json.loads(text.decode())
    except (binascii.Error, ValueError, RecursionError) as error:
        raise PAGE_NOT_FOUND() from error
    if not isinstance(found, list) or found[:1] != [order] or len(found) != 1 + len(kinds):
        raise PAGE_NOT_FOUND()
    values: list[Any] = found[1:]
    if not all(type(value) is kind and _is_storable(value) for value, kind in zip(values, kinds, strict=True)):
        raise PAGE_NOT_FOUND()
    position = tuple(values)
    if cursor_of(position, order) != cursor:  # another spelling of base64 or JSON
        raise PAGE_NOT_FOUND()
    return position


def _is_storable(value: Any) -> bool:
    """Return whether both databases can compare a column with `value`."""
    if isinstance(value, int):
        return abs(value) <= _BIGGEST
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def page_answer(page: Page[Any], name: str, order: str) -> WithHeaders:
    """Return the answer to the current request. name: the member for the items."""
    if page.after is None:
        return WithHeaders({name: page.items, "next_cursor": None}, {})
    cursor = cursor_of(page.after, order)
    asked = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    link = f'<?{urlencode([*asked, ("cursor", cursor)])}>; rel="next"'
    return WithHeaders({name: page.items, "next_cursor": cursor}, {"Link": link})
