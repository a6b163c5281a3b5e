"""What a proxy learns about the caller, as header fields."""

from ostiary.core.principal import Principal

SUBJECT = "X-Auth-Subject"
ROLES = "X-Auth-Roles"
SCOPES = "X-Auth-Scopes"


def identity(bearer: Principal) -> dict[str, str]:
    """Return the header fields that say who the bearer is: always all three, so that a proxy replaces all three.

    The subject is the user's id, as the claim `sub` of access tokens. Roles and scopes are in order, separated by
    spaces (RFC 6749 section 3.3), and empty if there are none. All of it is printable ASCII. There is no user name: no
    credential carries it, so each request would ask the database, and a name can change and pass to another user.
    """
    return {
        SUBJECT: bearer.user_id,
        ROLES: " ".join(sorted(bearer.roles)),
        SCOPES: " ".join(sorted(bearer.scopes)),
    }
