"""Scopes: what an access token or an API key permits (RFC 6749 section 3.3)."""

from dataclasses import dataclass

MAX_SCOPES = 100
"""Maximum number of scopes in a list, far above the number of existing scopes."""

MAX_SCOPE_NAME = 64
"""Maximum length of the name of a scope."""
MAX_ROLE_NAME = 64
"""Maximum length of the name of a role."""
MAX_ROLES = 100
"""Maximum number of roles of a user."""

SCOPES: dict[str, "Scope"] = {}
"""All scopes, by name."""
OWN: set[str] = set()
"""The scopes that every user has."""
PERMISSIONS: set[str] = set()
"""The scopes that a role can give, called its permissions."""


@dataclass(frozen=True)
class Scope:
    """One scope. `own`: it concerns the bearer's own account, so every user has it; the others come with roles."""

    name: str
    description: str
    own: bool = False

    def __post_init__(self) -> None:
        """Add the scope to the lists above. A feature of your own may add scopes (docs/extending.md)."""
        SCOPES[self.name] = self
        (OWN if self.own else PERMISSIONS).add(self.name)


ME_READ = Scope("me:read", "Read your account, its sessions, API keys and audit events.", own=True)
ME_WRITE = Scope("me:write", "Change your account and end its sessions.", own=True)
USERS_READ = Scope("users:read", "Read all users.")
USERS_WRITE = Scope("users:write", "Create, change, disable and delete users, end their sessions and set their roles.")
ROLES_READ = Scope("roles:read", "Read the roles and their permissions.")
ROLES_WRITE = Scope("roles:write", "Create, change and delete roles.")
ROLES_GRANT = Scope(
    "roles:grant",
    "With users:write or roles:write: also manage roles that the caller does not hold, and users with these roles.",
)
AUDIT_READ = Scope("audit:read", "Read the audit events of all users.")
