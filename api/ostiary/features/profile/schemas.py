"""Shapes of the user's own account."""

from ostiary.features.accounts.schemas import username_field
from ostiary.web.schemas import Body


class MyChangesBody(Body):
    """What to change of the own account; what is not given stays as it is."""

    username = username_field(required=False, example="user1")
