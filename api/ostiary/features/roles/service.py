"""Roles: their permissions and holders."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Label, Row, Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.principal import Principal
from ostiary.core.scopes import OWN, PERMISSIONS, ROLES_GRANT
from ostiary.features.roles.models import RolePermissionRow, RoleRow, UserRoleRow
from ostiary.features.roles.problems import BEYOND_OWN_PERMISSIONS, UNKNOWN_ROLE
from ostiary.features.roles.rules import MAX_MISSING_ROLES
from ostiary.persistence.transaction import Transaction

ADMIN = "admin"
"""The role that has every permission, those of later versions included. It cannot be changed or deleted."""


@dataclass(frozen=True)
class Grants:
    """The roles that a user holds, in alphabetical order, and the scopes that they have through them."""

    roles: tuple[str, ...]
    scopes: frozenset[str]

    @classmethod
    def of_row(cls, row: Row[Any]) -> "Grants":
        """Read the columns of `granted` from a row of a query that has them."""
        return cls.of((row.granted_roles or "").split(), (row.granted_permissions or "").split())

    @classmethod
    def of(cls, roles: Iterable[str], permissions: Iterable[str]) -> "Grants":
        """Return the grants of these roles and permissions. Unknown permissions are left out."""
        names = tuple(sorted(roles))
        permitted = PERMISSIONS if ADMIN in names else PERMISSIONS.intersection(permissions)
        return cls(names, frozenset(OWN | permitted))


def granted(user_id: ColumnElement[str] | Any) -> tuple[Label[Any], Label[Any]]:
    """Return two columns for a query that has the column `user_id`: its roles, and their permissions.

    `Grants.of_row` reads them.
    """
    roles = select(func.aggregate_strings(UserRoleRow.role, " ")).where(UserRoleRow.user_id == user_id)
    permissions = (
        select(func.aggregate_strings(RolePermissionRow.permission, " "))
        .join(UserRoleRow, UserRoleRow.role == RolePermissionRow.role)
        .where(UserRoleRow.user_id == user_id)
    )
    return roles.label("granted_roles"), permissions.label("granted_permissions")


async def grants_of(session: AsyncSession, roles: Collection[str]) -> Grants:
    """Return the grants of `roles`. Roles that do not exist give nothing."""
    query = select(RolePermissionRow.permission).where(RolePermissionRow.role.in_(roles))
    return Grants.of(roles, await session.scalars(query))


def check_reach(by: Principal, grants: Grants, roles: Collection[str] | None = None) -> None:
    """Raise the problem `beyond_own_permissions` if `grants` exceed those of the actor.

    An actor who could give, remove or change more could also obtain it: with a role for themselves, with another user's
    account, or as the only remaining holder. roles: the roles that are given, removed or changed; None: all of
    `grants`. Other services can attach their own meaning to roles, so the actor must hold them, or have the permission
    `roles:grant`.
    """
    is_admin = ADMIN in by.roles and by.scopes >= PERMISSIONS
    # API keys hold no roles, and do not represent a logged-in user who could give any.
    may_grant = is_admin or (by.api_key_id is None and ROLES_GRANT.name in by.scopes)
    missing_roles = set() if may_grant else set(grants.roles if roles is None else roles) - by.roles
    if ADMIN in grants.roles and not is_admin:
        missing_roles.add(ADMIN)
    missing = sorted(grants.scopes - OWN - by.scopes)
    if missing or missing_roles:
        raise BEYOND_OWN_PERMISSIONS(
            missing_permissions=missing, missing_roles=sorted(missing_roles)[:MAX_MISSING_ROLES]
        )


def holders(role: str) -> Select[Any]:
    """Return a query for the ids of the users who hold `role`."""
    return select(UserRoleRow.user_id).where(UserRoleRow.role == role)


async def assign(tx: Transaction, user_id: str, roles: Collection[str]) -> None:
    """Set the roles of the user to `roles`; raises the problem `unknown_role`.

    Tokens issued before still carry the old roles. Revoke them for existing users.
    """
    # On PostgreSQL the roles are locked until the commit: their deletion waits.
    query = select(RoleRow.name).where(RoleRow.name.in_(roles)).with_for_update(read=True, key_share=True)
    known = set(await tx.session.scalars(query)) if roles else set()
    if unknown := sorted(set(roles) - known):
        raise UNKNOWN_ROLE(f"There is no role {', '.join(unknown)}.", unknown_roles=unknown)
    await tx.session.execute(delete(UserRoleRow).where(UserRoleRow.user_id == user_id))
    if roles:
        rows = [{"user_id": user_id, "role": role} for role in sorted(set(roles))]
        await tx.session.execute(insert(UserRoleRow), rows)


async def only_built_in(tx: Transaction) -> None:
    """Delete all roles that are not built in."""
    await tx.session.execute(delete(RoleRow).where(RoleRow.name != ADMIN))
