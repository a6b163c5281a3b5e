"""Accounts: registration, password checks, look-ups, and the permissions of an account."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from ostiary.core import common_passwords, name_tables, names
from ostiary.core.clock import Clock
from ostiary.core.common_passwords import is_guessable
from ostiary.core.etags import etag
from ostiary.core.passwords import Passwords
from ostiary.core.problems import Problem
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import OPERATOR, RequestInfo
from ostiary.features.accounts.events import USER_DELETED, USER_REGISTERED
from ostiary.features.accounts.hash_costs import HashCosts
from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.problems import EMAIL_TAKEN, LAST_ADMINISTRATOR, PASSWORD_TOO_COMMON, USERNAME_TAKEN
from ostiary.features.accounts.rules import email_key, username_key, username_skeleton
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.features.roles.service import ADMIN, Grants, assign, granted, holders
from ostiary.persistence.database import Database, duplicated
from ostiary.persistence.transaction import Transaction

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Account:
    """The visible data of a user. `version` counts its changes."""

    id: str
    username: str
    email: str | None
    roles: list[str]
    disabled: bool
    created_at: datetime
    version: int

    @property
    def etag(self) -> str:
        """The entity-tag of this version."""
        return etag("user", self.id, self.version)


@dataclass(frozen=True)
class NewAccount:
    """An account to add."""

    account: Account
    password_hash: str


@dataclass(frozen=True)
class PasswordCheck:
    """The result of a password check. account: None for an unknown name. password_version: of the compared password."""

    matches: bool
    account: Account | None = None
    password_version: int = 0


@dataclass(frozen=True)
class AuthorizationSnapshot:
    """The permissions of an account, as of a position of the revocation feed."""

    grants: Grants
    position: int

    @classmethod
    def of_row(cls, row: Row[Any]) -> "AuthorizationSnapshot":
        """Read the columns of `snapshot_columns` from a row of a query that has them."""
        return cls(Grants.of_row(row), row.feed_position)


@dataclass(frozen=True)
class _Found:
    account: Account
    password_hash: str
    password_version: int

    @classmethod
    def of_row(cls, row: Row[Any]) -> "_Found":
        user: UserRow = row.UserRow
        return cls(account_of(user, Grants.of_row(row)), user.password_hash, user.password_version)


def snapshot_columns(user_id: ColumnElement[str] | Any) -> tuple[Any, ...]:
    """Return three columns for a query that has the column `user_id`; `AuthorizationSnapshot.of_row` reads them."""
    return (*granted(user_id), Revocations.position().label("feed_position"))


def is_enabled(user_id: ColumnElement[str] | Any) -> ColumnElement[bool]:
    """Return a criterion for a query with the column `user_id`: the user exists and is not disabled."""
    return exists().where(UserRow.id == user_id, UserRow.disabled_at.is_(None))


class Accounts:
    """The use cases of accounts.

    refuse_common_passwords: refuse them (production), or accept them with a warning in the log (development).
    service_names: words that are expected in passwords for this service; see `is_guessable`.
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        revocations: Revocations,
        clock: Clock,
        randomness: Randomness,
        *,
        refuse_common_passwords: bool,
        service_names: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._revocations = revocations
        self._clock = clock
        self._randomness = randomness
        self._refuse_common_passwords = refuse_common_passwords
        self._service_names = service_names
        self.hash_costs = HashCosts(database, passwords)

    async def warm_up(self) -> None:
        """Load the common passwords and the tables of names."""
        common_passwords.load()
        name_tables.load()

    async def start(self) -> None:
        """Load the costs of the stored hashes; raises the problems `database_unavailable` and `overloaded`."""
        await self.hash_costs.refresh()

    async def stop(self) -> None:
        """Stop background tasks."""
        await self.hash_costs.stop()

    async def register(
        self,
        username: str,
        password: str,
        roles: Sequence[str] = (),
        info: RequestInfo = OPERATOR,
    ) -> Account:
        """Create an account and return it, for a user who registers or for the operator of the server.

        The name and password must match the contract. Raises the problems `username_taken`, `password_too_common`,
        `unknown_role`, `overloaded`, `database_unavailable`.
        """
        new = await self.prepare(username, password, roles)
        return await self._database.write(self.add, new, info)

    async def prepare(
        self, username: str, password: str, roles: Sequence[str] = (), email: str | None = None
    ) -> NewAccount:
        """Return an account for `add`. This takes as long as a password hash.

        Raises the problems `username_taken`, `password_too_common`, `overloaded`, `database_unavailable`.
        """
        same = UserRow.username_key == username_key(username)
        alike = UserRow.username_skeleton == username_skeleton(username)
        async with self._database.read() as session:
            if await session.scalar(select(UserRow.id).where(same | alike).limit(1)) is not None:
                raise USERNAME_TAKEN()
        password_hash = await self.hash_new(password, username)
        account = Account(
            self._randomness.new_id(), username, email, sorted(set(roles)), False, self._clock.now(), version=1
        )
        return NewAccount(account, password_hash)

    async def add(self, tx: Transaction, new: NewAccount, info: RequestInfo, actor_id: str | None = None) -> Account:
        """Add an account and return it. actor_id: the user who creates it; None: the user registers.

        Raises the problems `username_taken`, `email_taken`, `unknown_role`.
        """
        account = new.account
        values = {
            "id": account.id,
            "username": account.username,
            "username_key": username_key(account.username),
            "username_skeleton": username_skeleton(account.username),
            "email": account.email,
            "email_key": None if account.email is None else email_key(account.email),
            "password_hash": new.password_hash,
            "created_at": account.created_at,
        }
        try:
            await tx.session.execute(insert(UserRow).values(values))
        except IntegrityError as error:
            raise taken(error) from error
        if account.roles:
            await assign(tx, account.id, account.roles)
        tx.record(USER_REGISTERED, info, user_id=account.id, actor_id=actor_id)
        return account

    async def hash_new(self, password: str, username: str) -> str:
        """Return the hash of a new password for the user with this name.

        Raises the problems `password_too_common`, `overloaded`.
        """
        if is_guessable(password, (username, *self._service_names)):
            if self._refuse_common_passwords:
                raise PASSWORD_TOO_COMMON()
            log.warning("a common password was accepted; the production profile refuses it", username=username)
        return await self._passwords.hash(password)

    async def verify(self, username: str, password: str) -> PasswordCheck:
        """Check a user name and a password. Wrong passwords and unknown names take the same time.

        A hash with outdated parameters is replaced. Raises the problems `overloaded` and `database_unavailable`.
        """
        # Impossible user names are not looked up: PostgreSQL's text, for example, cannot contain NUL.
        name = names.trimmed(username)
        found = await self._find(_BY_NAME, username_key(name)) if names.is_possible(name) else None
        return await self._prove(found, password, username_key(name))

    async def verify_id(self, user_id: str, password: str) -> PasswordCheck:
        """Check the password of the user with this id; raises as `verify` does."""
        return await self._prove(await self._find(_BY_ID, user_id), password, user_id)

    async def _prove(self, found: _Found | None, password: str, name: str) -> PasswordCheck:
        self.hash_costs.refresh_when_due()
        if found is None:
            await self._passwords.verify_dummy(password, name)
            return PasswordCheck(matches=False)
        verification = await self._passwords.verify(password, found.password_hash)
        if verification.upgraded_hash is not None:
            await self._database.write(self._upgrade_hash, found, verification.upgraded_hash)
        return PasswordCheck(verification.matches, found.account, found.password_version)

    @staticmethod
    async def confirm(tx: Transaction, user_id: str, password_version: int | None) -> AuthorizationSnapshot | None:
        """Return the permissions of an account; None if it was disabled or deleted, or its password was changed.

        The account cannot change until the commit: a concurrent change waits. password_version: of the password that
        was checked; None if none was checked.
        """
        statement = _SNAPSHOT if password_version is None else _SNAPSHOT_OF_PASSWORD
        checked = {"id": user_id, "password_version": password_version}
        row = (await tx.session.execute(statement, checked)).one_or_none()
        return None if row is None else AuthorizationSnapshot.of_row(row)

    async def id_of(self, username: str) -> str | None:
        """Return the id of the user of this name, if there is one; raises the problem `database_unavailable`."""
        found = await self._find(_BY_NAME, username_key(username))
        return None if found is None else found.account.id

    async def get(self, user_id: str) -> Account | None:
        """Return the account of this id, if there is one; raises the problem `database_unavailable`."""
        found = await self._find(_BY_ID, user_id)
        return None if found is None else found.account

    @staticmethod
    async def set_password(tx: RevokingTransaction, check: PasswordCheck, password_hash: str) -> bool:
        """Replace the password that was checked; return whether it was still current.

        Revoke what was issued under the former password in the same transaction.
        """
        if check.account is None:
            return False
        statement = (
            update(UserRow)
            .where(UserRow.id == check.account.id, UserRow.password_version == check.password_version)
            .values(password_hash=password_hash, password_version=UserRow.password_version + 1)
            .returning(UserRow.id)
        )
        return await tx.session.scalar(statement) is not None

    async def delete_as_operator(self, user_id: str) -> bool:
        """Delete the account, even if no administrator remains; return whether it existed.

        Raises the problem `database_unavailable`.
        """
        return await self._revocations.write(self.delete, user_id, OPERATOR, None)

    @staticmethod
    async def delete(tx: RevokingTransaction, user_id: str, info: RequestInfo, actor_id: str | None) -> bool:
        """Delete the account and all its data except the audit trail; return whether it existed.

        Its sessions and tokens end. The account is deleted even if no administrator remains.
        """
        statement = delete(UserRow).where(UserRow.id == user_id).returning(UserRow.id)
        if await tx.session.scalar(statement) is None:
            return False
        await tx.revoke_user(user_id)
        tx.record(USER_DELETED, info, user_id=user_id, actor_id=actor_id)
        return True

    @staticmethod
    @asynccontextmanager
    async def keeping_an_administrator(tx: RevokingTransaction, user_id: str) -> AsyncGenerator[None]:
        """Raise `last_administrator` if the block leaves no enabled administrator, and this user was one before it.

        Only one revoking transaction runs at a time, so two administrators cannot remove each other.
        """
        was_one = await tx.session.scalar(_ADMINISTRATORS.where(UserRow.id == user_id)) is not None
        yield
        if was_one and await tx.session.scalar(_ADMINISTRATORS.limit(1)) is None:
            raise LAST_ADMINISTRATOR()

    async def _find(self, query: Select[Any], wanted: str) -> _Found | None:
        async with self._database.read() as session:
            row = (await session.execute(query, {"wanted": wanted})).one_or_none()
        return None if row is None else _Found.of_row(row)

    @staticmethod
    async def _upgrade_hash(tx: Transaction, found: _Found, password_hash: str) -> None:
        # Only if it is still the verified password: a concurrent change of the password must persist.
        statement = (
            update(UserRow)
            .where(UserRow.id == found.account.id, UserRow.password_hash == found.password_hash)
            .values(password_hash=password_hash)
        )
        await tx.session.execute(statement)


# Created once: building a statement costs SQLAlchemy more than running it.
_FOUND = select(UserRow, *granted(UserRow.id))
_BY_NAME = _FOUND.where(UserRow.username_key == bindparam("wanted"))
_BY_ID = _FOUND.where(UserRow.id == bindparam("wanted"))
_SNAPSHOT = (
    select(*snapshot_columns(UserRow.id))
    .where(UserRow.id == bindparam("id"), UserRow.disabled_at.is_(None))
    .with_for_update(read=True, of=UserRow)
)
_SNAPSHOT_OF_PASSWORD = _SNAPSHOT.where(UserRow.password_version == bindparam("password_version"))
_ADMINISTRATORS: Select[Any] = select(UserRow.id).where(UserRow.id.in_(holders(ADMIN)), UserRow.disabled_at.is_(None))


def taken(error: IntegrityError) -> Problem:
    """Return `username_taken` or `email_taken`, depending on the violated constraint; else raise `error`."""
    constraint = duplicated(error)
    if "email" in constraint:
        return EMAIL_TAKEN()
    if "username" in constraint:
        return USERNAME_TAKEN()
    raise error


def account_of(user: UserRow, grants: Grants) -> Account:
    """Return the account in a row."""
    return Account(
        user.id,
        user.username,
        user.email,
        list(grants.roles),
        user.disabled_at is not None,
        user.created_at,
        user.version,
    )
