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
    """Return the 128 bits that stand for `subject` in the memory of revocations: the value of a UUID.

    Other subjects, such as the id of a key that was created elsewhere, are represented by a part of their SHA-256.
    """
    if is_id(subject):
        return int(subject.replace("-", ""), 16)
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:16])


@dataclass(frozen=True, slots=True)
class Principal:
    """The bearer of a verified credential.

    user_id: UUID in text form. roles, scopes: those at the time when the credential was issued or read. position: the
    position of the revocation feed at that time. expires_at: when the credential expires; None: never.

    session_id, auth_time (the time of the last authentication) and acr (its assurance level, NIST SP 800-63B) are None
    for an API key, because no person has logged in. api_key_id: the API key. kid: the key that signed the access token.
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
    """The marks that must not be revoked, in addition to the user's: session and signing key, or API key."""

    def __post_init__(self) -> None:
        """Compute the marks once, because every request with this credential compares them."""
        credential = (self.session_id, self.kid, self.api_key_id)
        object.__setattr__(self, "user_mark", mark(self.user_id))
        object.__setattr__(self, "credential_marks", tuple(mark(one) for one in credential if one is not None))
