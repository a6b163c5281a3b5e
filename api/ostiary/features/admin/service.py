"""Administration of users."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, TypeVarTuple

from ostiary.core.actor import Actor
from ostiary.core.clock import Clock
from ostiary.core.etags import ANY_VERSION, Condition
from ostiary.core.ids import is_id
from ostiary.core.pages import Page, Position
from ostiary.core.principal import Principal
from ostiary.core.request_info import RequestInfo
from ostiary.features.accounts import store
from ostiary.features.accounts.events import USER_DISABLED, USER_ENABLED, USER_ROLES_CHANGED, USER_UPDATED
from ostiary.features.accounts.problems import USER_NOT_FOUND
from ostiary.features.accounts.service import Account, Accounts, NewAccount
from ostiary.features.accounts.store import LockedUser, UserFilter
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import RevokingTransaction
from ostiary.features.roles.service import assign, check_reach, grants_of
from ostiary.features.sessions.management import SessionManagement
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction

T = TypeVar("T")
Args = TypeVarTuple("Args")


@dataclass(frozen=True)
class Changes:
    """Changes to a user. None (False for the email) means no change. An email of None removes the address."""

    username: str | None = None
    email: str | Literal[False] | None = False
    disabled: bool | None = None


class Administration:
    """The use cases of administration. Actors cannot manage users with more permissions than their own."""

    def __init__(
        self,
        database: Database,
        actors: Actors,
        accounts: Accounts,
        session_management: SessionManagement,
        clock: Clock,
    ) -> None:
        self._database = database
        self._actors = actors
        self._accounts = accounts
        self._session_management = session_management
        self._clock = clock

    async def page(self, wanted: UserFilter, limit: int, after: Position | None) -> Page[Account]:
        """Return a page of the users that match the filter; raises the problem `database_unavailable`."""
        async with self._database.read() as session:
            return await store.page(session, wanted, limit, after)

    async def get(self, user_id: str) -> Account:
        """Return a user; raises the problems `user_not_found`, `database_unavailable`."""
        found = await self._accounts.get(user_id) if is_id(user_id) else None
        if found is None:
            raise USER_NOT_FOUND()
        return found

    async def create(
        self,
        actor: Actor,
        username: str,
        password: str,
        email: str | None,
        roles: Sequence[str],
        info: RequestInfo,
    ) -> Account:
        """Create a user and return it.

        Raises the problems `username_taken`, `email_taken`, `password_too_common`, `unknown_role`,
        `beyond_own_permissions`, `overloaded`, `database_unavailable`, and those of `Actors.write`, as all that write.
        """
        async with self._database.read() as session:
            check_reach(actor.seen, await grants_of(session, roles))
        new = await self._accounts.prepare(username, password, roles, email)
        return await self._actors.write(actor, self._create, new, info)

    async def _create(self, tx: Transaction, by: Principal, new: NewAccount, info: RequestInfo) -> Account:
        # The permissions of the roles may have changed during the hash.
        check_reach(by, await grants_of(tx.session, new.account.roles))
        return await self._accounts.add(tx, new, info, by.user_id)

    async def update(
        self, actor: Actor, user_id: str, condition: Condition, changes: Changes, info: RequestInfo
    ) -> Account:
        """Change a user and return it. Disabling a user ends all their sessions and tokens.

        Raises the problems `user_not_found`, `precondition_failed`, `username_taken`, `email_taken`,
        `last_administrator`, `beyond_own_permissions`, `database_unavailable`.
        """
        return await self._change(actor, user_id, condition, self._update, changes, info)

    async def _update(
        self, tx: RevokingTransaction, by: Principal, locked: LockedUser, changes: Changes, info: RequestInfo
    ) -> Account:
        before = locked.account
        changed = [
            name
            for name, new in (("username", changes.username), ("email", changes.email))
            if new not in (None if name == "username" else False, getattr(before, name))
        ]
        switched = changes.disabled not in (None, before.disabled)
        if not changed and not switched:
            return before
        async with self._accounts.keeping_an_administrator(tx, before.id):
            await store.change(
                tx,
                before,
                username=changes.username,
                email=changes.email,
                disabled_at=(self._clock.now() if changes.disabled else None) if switched else False,
            )
        if changed:
            tx.record(USER_UPDATED, info, user_id=before.id, actor_id=by.user_id, changed=changed)
        if switched and changes.disabled:
            await self._session_management.end_all(tx, before.id, "account_disabled", info, actor_id=by.user_id)
        if switched:
            kind = USER_DISABLED if changes.disabled else USER_ENABLED
            tx.record(kind, info, user_id=before.id, actor_id=by.user_id)
        return await self._present(tx, before.id)

    async def set_roles(
        self, actor: Actor, user_id: str, condition: Condition, roles: Collection[str], info: RequestInfo
    ) -> Account:
        """Set the roles of a user to `roles` and return the user. Access tokens issued before are no longer valid.

        Raises the problems `user_not_found`, `precondition_failed`, `unknown_role`, `last_administrator`,
        `beyond_own_permissions`, `database_unavailable`.
        """
        return await self._change(actor, user_id, condition, self._set_roles, frozenset(roles), info, keeps_roles=True)

    async def _set_roles(
        self, tx: RevokingTransaction, by: Principal, locked: LockedUser, after: frozenset[str], info: RequestInfo
    ) -> Account:
        user_id, before = locked.account.id, frozenset(locked.account.roles)
        if before == after:
            return locked.account
        check_reach(by, await grants_of(tx.session, after), before ^ after)
        async with self._accounts.keeping_an_administrator(tx, user_id):
            await store.change(tx, locked.account)
            await assign(tx, user_id, after)
        await tx.revoke_user(user_id)
        tx.record(
            USER_ROLES_CHANGED,
            info,
            user_id=user_id,
            actor_id=by.user_id,
            added=sorted(after - before),
            removed=sorted(before - after),
        )
        return await self._present(tx, user_id)

    async def delete(self, actor: Actor, user_id: str, condition: Condition, info: RequestInfo) -> None:
        """Delete a user and all their data except the audit trail.

        Raises the problems `user_not_found`, `precondition_failed`, `last_administrator`, `beyond_own_permissions`,
        `database_unavailable`.
        """
        await self._change(actor, user_id, condition, self._delete, info)

    async def _delete(self, tx: RevokingTransaction, by: Principal, locked: LockedUser, info: RequestInfo) -> None:
        async with self._accounts.keeping_an_administrator(tx, locked.account.id):
            await self._accounts.delete(tx, locked.account.id, info, by.user_id)

    async def end_sessions(self, actor: Actor, user_id: str, info: RequestInfo) -> int:
        """End all sessions of a user; return how many.

        Raises the problems `user_not_found`, `beyond_own_permissions`, `database_unavailable`.
        """
        return await self._change(actor, user_id, ANY_VERSION, self._end_sessions, info)

    async def _end_sessions(self, tx: RevokingTransaction, by: Principal, locked: LockedUser, info: RequestInfo) -> int:
        reason = "ended_by_administrator"
        return await self._session_management.end_all(tx, locked.account.id, reason, info, actor_id=by.user_id)

    async def _change(
        self,
        actor: Actor,
        user_id: str,
        condition: Condition,
        work: Callable[[RevokingTransaction, Principal, LockedUser, *Args], Awaitable[T]],
        *args: *Args,
        keeps_roles: bool = False,
    ) -> T:
        """Lock a user, check the actor's permissions and the condition, and run `work(tx, by, locked, ...)`.

        keeps_roles: whether `work` itself checks the roles that it changes, and keeps the others.
        """
        roles = () if keeps_roles else None
        return await self._actors.write_revoking(
            actor, self._lock, user_id, condition, roles, lambda tx, by, locked: work(tx, by, locked, *args)
        )

    @staticmethod
    async def _lock(
        tx: RevokingTransaction,
        by: Principal,
        user_id: str,
        condition: Condition,
        roles: Collection[str] | None,
        work: Callable[[RevokingTransaction, Principal, LockedUser], Awaitable[T]],
    ) -> T:
        locked = await store.lock_user(tx, user_id) if is_id(user_id) else None
        if locked is None:
            raise USER_NOT_FOUND()
        check_reach(by, locked.grants, roles)
        condition.check(locked.account.etag)
        return await work(tx, by, locked)

    @staticmethod
    async def _present(tx: Transaction, user_id: str) -> Account:
        locked = await store.lock_user(tx, user_id)
        if locked is None:
            raise USER_NOT_FOUND()
        return locked.account
