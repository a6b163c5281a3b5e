"""Response schemas of the protected examples."""

from marshmallow import fields, validate

from ostiary.web.schemas import MAX_MESSAGE, Answer


class ProtectedMessage(Answer):
    """A greeting for authorized callers."""

    message = fields.String(
        validate=validate.Length(max=MAX_MESSAGE),
        required=True,
        metadata={"description": "The greeting.", "example": "This is a protected route!"},
    )
