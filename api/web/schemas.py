"""The base schemas: what comes in is refused if it has unknown members, what goes out may grow."""

from typing import Any

import marshmallow as ma


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


class WholeNumber(ma.fields.Integer):
    """What JSON Schema calls an integer: `1` and `1.0`, but neither `1.5`, `"1"` nor `true`."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value
