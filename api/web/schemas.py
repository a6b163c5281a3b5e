"""The base schemas: what comes in is refused if it has unknown members, what goes out may grow."""

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
