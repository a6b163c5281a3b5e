"""Audit events of roles."""

from ostiary.core.events import EventType
from ostiary.core.scopes import MAX_ROLE_NAME, MAX_SCOPE_NAME, MAX_SCOPES

_ROLE = {"role": {"type": "string", "maxLength": MAX_ROLE_NAME, "description": "The name of the role."}}
_PERMISSIONS = {"type": "array", "maxItems": MAX_SCOPES, "items": {"type": "string", "maxLength": MAX_SCOPE_NAME}}

ROLE_CREATED = EventType("role.created", "A role was created.", {**_ROLE, "permissions": _PERMISSIONS})
ROLE_CHANGED = EventType(
    "role.changed",
    (
        "The description or the permissions of a role changed. If the permissions changed, older access "
        "tokens of its holders are no longer valid."
    ),
    {**_ROLE, "added": _PERMISSIONS, "removed": _PERMISSIONS},
)
ROLE_DELETED = EventType("role.deleted", "A role was deleted, and so removed from all users who held it.", _ROLE)
