"""The scopes. Each allows the bearer of an access token or API key some operations (RFC 6749 section 3.3)."""

from dataclasses import dataclass

MAX_SCOPES = 100
"""Maximum number of scopes in a list. There are far fewer today."""

MAX_SCOPE_NAME = 64
"""Characters of the name of a scope."""
MAX_ROLE_NAME = 64
"""Characters of the name of a role."""
MAX_ROLES = 100
"""Maximum number of roles of a user."""

SCOPES: dict[str, "Scope"] = {}
"""Every scope by its name."""
OWN: set[str] = set()
"""The scopes that every user has."""
PERMISSIONS: set[str] = set()
"""The scopes that a role can give, called its permissions."""


@dataclass(frozen=True)
class Scope:
    """One scope. `own`: it covers the bearer's own account, so every user has it. Roles give the other scopes."""

    name: str
    description: str
    own: bool = False

    def __post_init__(self) -> None:
        """Add the scope to the lists above. A feature of your own may add scopes (docs/extending.md)."""
        SCOPES[self.name] = self
        (OWN if self.own else PERMISSIONS).add(self.name)


ME_READ = Scope("me:read", "Read the own account, its sessions, API keys and audit events.", own=True)
ME_WRITE = Scope("me:write", "Change the own account, end its sessions.", own=True)
USERS_READ = Scope("users:read", "Read all users.")
USERS_WRITE = Scope("users:write", "Create, change, disable and delete users, end their sessions, set their roles.")
ROLES_READ = Scope("roles:read", "Read the roles and their permissions.")
ROLES_WRITE = Scope("roles:write", "Create, change and delete roles.")
ROLES_GRANT = Scope(
    "roles:grant",
    "With users:write or roles:write: reach roles that the user does not hold, and the users who hold them.",
)
AUDIT_READ = Scope("audit:read", "Read the audit events of all users.")
