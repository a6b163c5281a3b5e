"""Request and response schemas of the sandbox."""

from marshmallow import fields, validate

from ostiary.core.problems import MAX_CODE_LENGTH
from ostiary.features.sandbox.service import MAX_ADVANCE_SECONDS, MAX_TIMES
from ostiary.web.schemas import Answer, Body, WholeNumber


class ClockMove(Body):
    """A move of the clock."""

    advance_seconds = WholeNumber(
        required=True,
        validate=validate.Range(1, MAX_ADVANCE_SECONDS),
        metadata={"description": "The number of seconds to move the clock ahead.", "example": 900},
    )


class ClockState(Answer):
    """The state of the server's clock."""

    now = fields.AwareDateTime(
        required=True,
        format="iso",
        metadata={"description": "The server's time, in UTC.", "example": "2026-11-24T12:15:00+00:00"},
    )
    ahead_seconds = fields.Integer(
        required=True,
        validate=validate.Range(min=0),
        metadata={"description": "The number of seconds that the clock is ahead of the real time.", "example": 900},
    )


class ForcedError(Body):
    """An error to force."""

    code = fields.String(
        required=True,
        validate=validate.Length(1, MAX_CODE_LENGTH),
        metadata={
            "description": "The code of a problem that an operation documents.",
            "example": "rate_limited",
        },
    )
    times = WholeNumber(
        load_default=1,
        validate=validate.Range(1, MAX_TIMES),
        metadata={"description": "The number of requests that fail.", "example": 1},
    )
