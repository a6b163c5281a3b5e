"""Role management for administrators: list, create, change, delete."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.actor import Actor
from ostiary.core.clock import Clock
from ostiary.core.etags import PRECONDITION_FAILED, Condition, etag
from ostiary.core.events import EventType
from ostiary.core.principal import Principal
from ostiary.core.request_info import RequestInfo
from ostiary.core.scopes import OWN, PERMISSIONS
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import RevokingTransaction
from ostiary.features.roles.events import ROLE_CHANGED, ROLE_CREATED, ROLE_DELETED
from ostiary.features.roles.models import RolePermissionRow, RoleRow
from ostiary.features.roles.problems import ROLE_IS_BUILT_IN, ROLE_NOT_FOUND, ROLE_TAKEN
from ostiary.features.roles.rules import MAX_LISTED, are_alike, may_be_role
from ostiary.features.roles.service import ADMIN, Grants, check_reach, holders
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction

NAMES_AT_ONCE = 25
"""Number of names to compare before other requests are served."""

BeforeDeletion = Callable[[Transaction, str], Awaitable[None]]
"""Called with the name of a role before it is deleted, while its holders still hold it."""


@dataclass(frozen=True)
class Role:
    """A role. permissions: in alphabetical order. built_in: it cannot be changed."""

    name: str
    description: str
    permissions: list[str]
    built_in: bool
    created_at: datetime
    version: int

    @property
    def etag(self) -> str:
        """The entity-tag of this version."""
        return etag("role", self.name, self.created_at.isoformat(), self.version)


class RoleManagement:
    """The use cases of roles. before_deletion: called before a role is deleted and its holders lose it."""

    def __init__(
        self,
        database: Database,
        actors: Actors,
        clock: Clock,
        before_deletion: BeforeDeletion,
    ) -> None:
        self._database = database
        self._actors = actors
        self._clock = clock
        self._before_deletion = before_deletion

    async def all(self) -> list[Role]:
        """Return every role, by name; raises the problem `database_unavailable`."""
        permissions = (
            select(func.aggregate_strings(RolePermissionRow.permission, " "))
            .where(RolePermissionRow.role == RoleRow.name)
            .label("permissions")
        )
        async with self._database.read() as session:
            found = [_role(row.RoleRow, row.permissions) for row in await session.execute(select(RoleRow, permissions))]
        return sorted(found, key=lambda role: role.name)[:MAX_LISTED]

    async def get(self, name: str) -> Role:
        """Return the role; raises the problems `role_not_found`, `database_unavailable`."""
        async with self._database.read() as session:
            return await self._find(session, name)

    async def create(
        self, actor: Actor, name: str, description: str, permissions: Collection[str], info: RequestInfo
    ) -> Role:
        """Create a role and return it.

        Raises the problems `role_taken`, `beyond_own_permissions`, `database_unavailable`, and those of `Actors.write`,
        as all that write.
        """
        role = Role(name, description, sorted(set(permissions)), False, self._clock.now(), version=1)
        # One at a time, so that concurrent requests cannot create two names that look alike.
        return await self._actors.write_revoking(actor, self._create, role, info)

    async def _create(self, tx: RevokingTransaction, by: Principal, role: Role, info: RequestInfo) -> Role:
        check_reach(by, _grants(role.permissions))
        await _refuse_look_alikes(tx.session, role.name)
        values = {"name": role.name, "description": role.description, "version": 1, "created_at": role.created_at}
        await tx.session.execute(insert(RoleRow).values(values))
        await self._set_permissions(tx, role)
        _record(tx, ROLE_CREATED, by, info, role=role.name, permissions=role.permissions)
        return role

    async def change(
        self,
        actor: Actor,
        name: str,
        condition: Condition,
        info: RequestInfo,
        *,
        description: str | None = None,
        permissions: Collection[str] | None = None,
    ) -> Role:
        """Change the given values of a role and return it. If permissions change, holders need a new access token.

        Raises the problems `role_not_found`, `role_is_built_in`, `precondition_failed`, `beyond_own_permissions`,
        `database_unavailable`.
        """
        return await self._actors.write_revoking(actor, self._change, name, condition, info, description, permissions)

    async def _change(
        self,
        tx: RevokingTransaction,
        by: Principal,
        name: str,
        condition: Condition,
        info: RequestInfo,
        description: str | None,
        permissions: Collection[str] | None,
    ) -> Role:
        before = await self._changeable(tx, by, name, condition)
        after = replace(
            before,
            description=before.description if description is None else description,
            permissions=before.permissions if permissions is None else sorted(set(permissions)),
            version=before.version + 1,
        )
        check_reach(by, _grants(after.permissions, name))
        added = sorted(set(after.permissions) - set(before.permissions))
        removed = sorted(set(before.permissions) - set(after.permissions))
        if not added and not removed and after.description == before.description:
            return before
        statement = (
            update(RoleRow)
            .where(RoleRow.name == name, RoleRow.version == before.version)
            .values(description=after.description, version=after.version)
            .returning(RoleRow.name)
        )
        if await tx.session.scalar(statement) is None:
            raise PRECONDITION_FAILED()
        if added or removed:
            await self._set_permissions(tx, after)
            await tx.revoke_users(holders(name))
        _record(tx, ROLE_CHANGED, by, info, role=name, added=added, removed=removed)
        return after

    async def delete(self, actor: Actor, name: str, condition: Condition, info: RequestInfo) -> None:
        """Delete a role, and so remove it from all holders. Their access tokens are no longer valid.

        Raises the problems `role_not_found`, `role_is_built_in`, `precondition_failed`, `beyond_own_permissions`,
        `database_unavailable`.
        """
        await self._actors.write_revoking(actor, self._delete, name, condition, info)

    async def _delete(
        self, tx: RevokingTransaction, by: Principal, name: str, condition: Condition, info: RequestInfo
    ) -> None:
        found = await self._changeable(tx, by, name, condition)
        await self._before_deletion(tx, name)
        await tx.revoke_users(holders(name))
        statement = delete(RoleRow).where(RoleRow.name == name, RoleRow.version == found.version)
        if await tx.session.scalar(statement.returning(RoleRow.name)) is None:
            raise PRECONDITION_FAILED()
        _record(tx, ROLE_DELETED, by, info, role=name)

    async def _changeable(self, tx: Transaction, by: Principal, name: str, condition: Condition) -> Role:
        found = await self._find(tx.session, name)
        if found.built_in:
            raise ROLE_IS_BUILT_IN()
        condition.check(found.etag)
        check_reach(by, _grants(found.permissions, name))
        return found

    @staticmethod
    async def _find(session: AsyncSession, name: str) -> Role:
        row = await session.get(RoleRow, name) if may_be_role(name) else None
        if row is None:
            raise ROLE_NOT_FOUND()
        query = select(RolePermissionRow.permission).where(RolePermissionRow.role == name)
        return _role(row, " ".join(await session.scalars(query)))

    @staticmethod
    async def _set_permissions(tx: Transaction, role: Role) -> None:
        await tx.session.execute(delete(RolePermissionRow).where(RolePermissionRow.role == role.name))
        rows = [{"role": role.name, "permission": permission} for permission in role.permissions]
        if rows:
            await tx.session.execute(insert(RolePermissionRow), rows)


def _record(tx: Transaction, kind: EventType, by: Principal, info: RequestInfo, **details: Any) -> None:
    tx.record(kind, info, user_id=None, actor_id=by.user_id, **details)


def _role(row: RoleRow, permissions: str | None) -> Role:
    built_in = row.name == ADMIN
    given = PERMISSIONS if built_in else frozenset((permissions or "").split()) & PERMISSIONS
    return Role(row.name, row.description, sorted(given), built_in, row.created_at, row.version)


def _grants(permissions: Collection[str], *roles: str) -> Grants:
    return Grants(roles, frozenset(OWN.union(permissions)))


async def _refuse_look_alikes(session: AsyncSession, name: str) -> None:
    """Raise `role_taken` if a role with this name, or with a name that looks alike, exists."""
    for number, other in enumerate(await session.scalars(select(RoleRow.name))):
        if are_alike(name, other):
            raise ROLE_TAKEN()
        if number % NAMES_AT_ONCE == 0:
            await asyncio.sleep(0)
