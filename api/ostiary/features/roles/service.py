"""Roles: what they permit, and who holds them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.principal import Principal
from ostiary.core.scopes import OWN, PERMISSIONS, ROLES_GRANT
from ostiary.features.roles.models import RolePermissionRow, RoleRow, UserRoleRow
from ostiary.features.roles.problems import BEYOND_OWN_PERMISSIONS, UNKNOWN_ROLE
from ostiary.features.roles.rules import MAX_MISSING_ROLES

ADMIN = "admin"
"""The role that has every permission, those of later versions included. It cannot be changed or deleted."""


@dataclass(frozen=True)
class Grants:
    """The roles that a user holds, in alphabetical order, and the scopes that they have through them."""

    roles: tuple[str, ...]
    scopes: frozenset[str]

    @classmethod
    def of(cls, roles: str | None, permissions: str | None) -> "Grants":
        """Read the two columns of `granted`."""
        names = tuple(sorted((roles or "").split()))
        permitted = PERMISSIONS if ADMIN in names else frozenset((permissions or "").split()) & PERMISSIONS
        return cls(names, OWN | permitted)


def granted(user_id: ColumnElement[str] | Any) -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """Return two columns for a query that has the column `user_id`: its roles, and the permissions of these.

    For `Grants.of`; either is None where there are none.
    """
    roles = select(func.aggregate_strings(UserRoleRow.role, " ")).where(UserRoleRow.user_id == user_id)
    permissions = (
        select(func.aggregate_strings(RolePermissionRow.permission, " "))
        .join(UserRoleRow, UserRoleRow.role == RolePermissionRow.role)
        .where(UserRoleRow.user_id == user_id)
    )
    return roles.scalar_subquery(), permissions.scalar_subquery()


async def grants_of(session: AsyncSession, roles: Collection[str]) -> Grants:
    """Return what holding `roles` would mean; those that do not exist give nothing."""
    query = select(RolePermissionRow.permission).where(RolePermissionRow.role.in_(roles))
    return Grants.of(" ".join(roles), " ".join(await session.scalars(query)))


def check_reach(by: Principal, grants: Grants, roles: Collection[str] | None = None) -> None:
    """Raise the problem `beyond_own_permissions` if `grants` are more than the actor has.

    Who could give, take or change them would have a way to have them: by a role for themselves, by the account of
    somebody else, by being the only one left. roles: those that are given, taken or changed; None: all of `grants`.
    What they mean to other services is not known here, so they take holding them, or the permission `roles:grant`.
    """
    is_admin = ADMIN in by.roles and by.scopes >= PERMISSIONS
    # An API key holds no roles, and stands for a person too little to give any.
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


async def assign(session: AsyncSession, user_id: str, roles: Collection[str]) -> None:
    """Let the user hold exactly `roles`, in the transaction of `session`; raises the problem `unknown_role`.

    Tokens issued before still carry the former ones: whoever calls this for an existing user revokes those.
    """
    # On PostgreSQL the roles stay until the commit: their deletion waits.
    query = select(RoleRow.name).where(RoleRow.name.in_(roles)).with_for_update(read=True, key_share=True)
    known = set(await session.scalars(query)) if roles else set()
    if unknown := sorted(set(roles) - known):
        raise UNKNOWN_ROLE(f"There is no role {', '.join(unknown)}.", unknown_roles=unknown)
    await session.execute(delete(UserRoleRow).where(UserRoleRow.user_id == user_id))
    if roles:
        await session.execute(insert(UserRoleRow), [{"user_id": user_id, "role": role} for role in sorted(set(roles))])


async def only_built_in(session: AsyncSession) -> None:
    """Delete every role that does not come with Ostiary, in the transaction of `session`."""
    await session.execute(delete(RoleRow).where(RoleRow.name != ADMIN))
