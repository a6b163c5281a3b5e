"""Shapes of the protected examples."""

from marshmallow import fields

from api.web.schemas import Answer


class ProtectedMessage(Answer):
    """A greeting for those who may see it."""

    message = fields.String(
        required=True, metadata={"description": "The greeting.", "example": "This is a protected route!"}
    )
