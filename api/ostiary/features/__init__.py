"""The features of Ostiary, in the order of the contract."""

from ostiary.feature import Feature
from ostiary.features.accounts.feature import FEATURE as ACCOUNTS
from ostiary.features.actors.feature import FEATURE as ACTORS
from ostiary.features.admin.feature import FEATURE as ADMIN
from ostiary.features.api_keys.feature import FEATURE as API_KEYS
from ostiary.features.audit.feature import FEATURE as AUDIT
from ostiary.features.clients.feature import FEATURE as CLIENTS
from ostiary.features.examples.feature import FEATURE as EXAMPLES
from ostiary.features.forward_auth.feature import FEATURE as FORWARD_AUTH
from ostiary.features.idempotency.feature import FEATURE as IDEMPOTENCY
from ostiary.features.keys.feature import FEATURE as KEYS
from ostiary.features.oauth.feature import FEATURE as OAUTH
from ostiary.features.operations.feature import FEATURE as OPERATIONS
from ostiary.features.profile.feature import FEATURE as PROFILE
from ostiary.features.protected.feature import FEATURE as PROTECTED
from ostiary.features.revocation.feature import FEATURE as REVOCATION
from ostiary.features.roles.feature import FEATURE as ROLES
from ostiary.features.sandbox.feature import FEATURE as SANDBOX
from ostiary.features.sessions.feature import FEATURE as SESSIONS

FEATURES: tuple[Feature, ...] = (
    ACCOUNTS,
    SESSIONS,
    PROTECTED,
    PROFILE,
    API_KEYS,
    ADMIN,
    ROLES,
    AUDIT,
    KEYS,
    CLIENTS,
    OAUTH,
    FORWARD_AUTH,
    OPERATIONS,
    REVOCATION,
    ACTORS,
    IDEMPOTENCY,
    EXAMPLES,
    SANDBOX,
)
