"""Request schemas of the user's own account."""

from ostiary.features.accounts.schemas import username_field
from ostiary.web.schemas import Body


class MyChangesBody(Body):
    """Changes to your account. Omitted fields keep their values."""

    username = username_field(required=False, example="user1")
