"""Base schemas. Request bodies with unknown members are refused; response bodies can get new members."""

import re
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from ostiary.core.names import trimmed

MAX_MESSAGE = 128
"""Maximum length of a confirmation."""
MAX_IP = 45
"""Maximum length of a network address (RFC 4291 section 2.2, with an embedded IPv4 address)."""
MAX_USER_AGENT = 256
"""Maximum length of a stored User-Agent."""


class Body(ma.Schema):
    """A request body. Unknown members are refused, so that misspelt names are noticed."""

    class Meta:
        """Options."""

        unknown = ma.RAISE


class Answer(ma.Schema):
    """A response body. The contract leaves it open, so that clients that validate responses accept new members."""

    class Meta:
        """Options."""

        unknown = ma.EXCLUDE


class Name(ma.fields.String):
    """A user name, without the white space around it."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return trimmed(super()._deserialize(*args, **kwargs))


class WholeNumber(ma.fields.Integer):
    """An integer as in JSON Schema: `1` and `1.0`, but not `1.5`, `"1"` or `true`."""

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
    """A moment in a request (RFC 3339 section 5.6), converted to UTC.

    Moments without a date in UTC, such as those before the year 1, are refused.
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
