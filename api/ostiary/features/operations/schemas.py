"""Response schemas of the operations."""

from marshmallow import fields, validate

from ostiary.core.problems import MAX_CODE_LENGTH, MAX_DETAIL, MAX_REMEDY, MAX_TITLE
from ostiary.web.schemas import Answer


class Health(Answer):
    """The server answers."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["ok"]),
        metadata={"description": "Always `ok`. Failures are returned as problems.", "example": "ok"},
    )


class ProblemDescription(Answer):
    """The meaning of a problem code, and a remedy."""

    code = fields.String(
        validate=validate.Length(max=MAX_CODE_LENGTH),
        required=True,
        metadata={"description": "The stable code of the problem type.", "example": "invalid_credentials"},
    )
    status = fields.Integer(
        required=True,
        validate=validate.Range(400, 599),
        metadata={"description": "The HTTP status.", "example": 401},
    )
    title = fields.String(
        validate=validate.Length(max=MAX_TITLE),
        required=True,
        metadata={
            "description": "What happened. The text is the same for each occurrence.",
            "example": "The credentials are wrong",
        },
    )
    detail = fields.String(
        validate=validate.Length(max=MAX_DETAIL),
        required=True,
        metadata={"description": "The usual description of an occurrence.", "example": "Invalid credentials!"},
    )
    remedy = fields.String(
        validate=validate.Length(max=MAX_REMEDY),
        required=True,
        metadata={"description": "What to do about the problem.", "example": "Check the user name."},
    )
