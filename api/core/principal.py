"""The authenticated caller of a request."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Principal:
    """What a verified access token says about its bearer.

    user_id, session_id: UUIDs in text form. roles: as of when the token was issued. auth_time: when the person last
    proved who they are. expires_at: when the access token ends.
    """

    user_id: str
    session_id: str
    roles: frozenset[str]
    auth_time: datetime
    expires_at: datetime
