"""Shapes of operations."""

from marshmallow import fields, validate

from ostiary.core.problems import MAX_CODE_LENGTH, MAX_DETAIL, MAX_REMEDY, MAX_TITLE
from ostiary.web.schemas import Answer


class Health(Answer):
    """The server answers."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["ok"]),
        metadata={"description": "All is well; anything else is a problem.", "example": "ok"},
    )


class ProblemDescription(Answer):
    """What a kind of problem means and what to do about it."""

    code = fields.String(
        validate=validate.Length(max=MAX_CODE_LENGTH),
        required=True,
        metadata={"description": "Tells the kind of problem to a program.", "example": "invalid_credentials"},
    )
    status = fields.Integer(
        required=True,
        validate=validate.Range(400, 599),
        metadata={"description": "The HTTP status.", "example": 401},
    )
    title = fields.String(
        validate=validate.Length(max=MAX_TITLE),
        required=True,
        metadata={"description": "What happened, the same words each time.", "example": "The credentials are wrong"},
    )
    detail = fields.String(
        validate=validate.Length(max=MAX_DETAIL),
        required=True,
        metadata={"description": "What happened, as it is mostly put.", "example": "Invalid credentials!"},
    )
    remedy = fields.String(
        validate=validate.Length(max=MAX_REMEDY),
        required=True,
        metadata={"description": "What the caller can do.", "example": "Check the user name."},
    )
