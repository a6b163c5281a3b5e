"""The authenticated caller of a request."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from ostiary.core.ids import is_id

AAL1 = "aal1"
"""The `acr` of a login with one factor, such as a password (NIST SP 800-63B, authenticator assurance level 1)."""
AAL2 = "aal2"
"""The `acr` of a login with two different factors (level 2)."""


def mark(subject: str) -> int:
    """Return the 128 bits by which the memory of revocations knows `subject`: the value of a UUID in its usual form.

    Anything else (a key made elsewhere may be named in any way) stands as part of its SHA-256.
    """
    if is_id(subject):
        return int(subject.replace("-", ""), 16)
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:16])


@dataclass(frozen=True, slots=True)
class Principal:
    """What a verified credential says about its bearer.

    user_id: UUID in text form. roles, scopes: as of when the credential was issued or read. position: that of the
    revocation feed at that moment. expires_at: when the credential ends; None: never.

    session_id, auth_time (when the person last proved who they are) and acr (how well, NIST SP 800-63B) are None where
    no person has logged in: with an API key, which api_key_id then names. kid: the key that signed the access token.
    """

    user_id: str
    session_id: str | None
    roles: frozenset[str]
    scopes: frozenset[str]
    auth_time: datetime | None
    expires_at: datetime | None
    position: int = 0
    acr: str | None = AAL1
    kid: str | None = None
    api_key_id: str | None = None

    user_mark: int = field(init=False, compare=False, repr=False)
    credential_marks: tuple[int, ...] = field(init=False, compare=False, repr=False)
    """The marks of what must not have been revoked, besides the user: session and signing key, or API key."""

    def __post_init__(self) -> None:
        """Make the marks once: every request that this principal sends is compared with them."""
        credential = (self.session_id, self.kid, self.api_key_id)
        object.__setattr__(self, "user_mark", mark(self.user_id))
        object.__setattr__(self, "credential_marks", tuple(mark(one) for one in credential if one is not None))
