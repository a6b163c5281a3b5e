"""The header fields that identify the caller to a proxy."""

from ostiary.core.principal import Principal

SUBJECT = "X-Auth-Subject"
ROLES = "X-Auth-Roles"
SCOPES = "X-Auth-Scopes"


def identity(bearer: Principal) -> dict[str, str]:
    """Return the header fields that identify the bearer.

    All three are always present, so that a proxy overwrites all three. The subject is the user's id, as in the `sub`
    claim of access tokens. Roles and scopes are sorted, separated by spaces (RFC 6749 section 3.3), and empty if there
    are none. All values are printable ASCII. The user name is not included: credentials do not carry it, so each
    request would query the database. A name can also change, and another user can take it.
    """
    return {
        SUBJECT: bearer.user_id,
        ROLES: " ".join(sorted(bearer.roles)),
        SCOPES: " ".join(sorted(bearer.scopes)),
    }
