"""The base schemas: what comes in is refused if it has unknown members, what goes out may grow."""

import re
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from ostiary.core.names import trimmed

MAX_MESSAGE = 128
"""Characters of a sentence that says that something is done."""
MAX_IP = 45
"""Characters of a network address (RFC 4291 section 2.2, with an IPv4 address in it)."""
MAX_USER_AGENT = 256
"""Characters that are kept of a User-Agent."""


class Body(ma.Schema):
    """A request body. Unknown members are refused, so that a misspelt one never passes in silence."""

    class Meta:
        """Options."""

        unknown = ma.RAISE


class Answer(ma.Schema):
    """A response body. The contract leaves it open, so that a client which checks what it gets bears a new member."""

    class Meta:
        """Options."""

        unknown = ma.EXCLUDE


class Name(ma.fields.String):
    """A user name, without the white space around it."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return trimmed(super()._deserialize(*args, **kwargs))


class WholeNumber(ma.fields.Integer):
    """What JSON Schema calls an integer: `1` and `1.0`, but neither `1.5`, `"1"` nor `true`."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,32})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class UtcMoment(ma.fields.AwareDateTime):
    """A moment that a client gives (RFC 3339 section 5.6), turned to UTC.

    Refused is also what has no date in UTC, such as a moment before the year 1 there.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            return super()._deserialize(value.upper(), *args, **kwargs).astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error
