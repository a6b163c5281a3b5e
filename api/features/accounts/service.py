"""Accounts: registering, proving a password, looking oneself up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.core.clock import Clock
from api.core.common_passwords import is_common
from api.core.passwords import Passwords
from api.core.randomness import Randomness
from api.features.accounts.models import UserRoleRow, UserRow
from api.features.accounts.problems import PASSWORD_TOO_COMMON, USERNAME_TAKEN
from api.features.accounts.rules import is_username, username_key
from api.persistence.database import Database, is_duplicate

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Account:
    """A user as others see them."""

    id: str
    username: str
    roles: list[str]
    created_at: datetime


@dataclass(frozen=True)
class _Found:
    account: Account
    password_hash: str


# A row for each role, or one without a role.
_ACCOUNT = (
    select(UserRow.id, UserRow.username, UserRow.password_hash, UserRow.created_at, UserRoleRow.role)
    .outerjoin(UserRoleRow, UserRoleRow.user_id == UserRow.id)
    .order_by(UserRoleRow.role)
)


class Accounts:
    """The use cases of accounts.

    refuse_common_passwords: refuse them (production), or accept them with a warning in the log (development).
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        clock: Clock,
        randomness: Randomness,
        *,
        refuse_common_passwords: bool,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock
        self._randomness = randomness
        self._refuse_common_passwords = refuse_common_passwords

    async def register(self, username: str, password: str, roles: Sequence[str] = ()) -> Account:
        """Make an account and return it.

        The name and password have the lengths that the contract asks for. Raises the problems `username_taken`,
        `password_too_common`, `overloaded`, `database_unavailable`.
        """
        key = username_key(username)
        async with self._database.read() as session:
            if await session.scalar(select(UserRow.id).where(UserRow.username_key == key)) is not None:
                raise USERNAME_TAKEN()
        if is_common(password):
            if self._refuse_common_passwords:
                raise PASSWORD_TOO_COMMON()
            log.warning("a common password was accepted; the production profile refuses it", username=username)
        account = Account(self._randomness.new_id(), username, sorted(set(roles)), self._clock.now())
        password_hash = await self._passwords.hash(password)

        async def add(session: AsyncSession) -> None:
            await session.execute(
                insert(UserRow).values(
                    id=account.id,
                    username=username,
                    username_key=key,
                    password_hash=password_hash,
                    created_at=account.created_at,
                )
            )
            for role in account.roles:
                await session.execute(insert(UserRoleRow).values(user_id=account.id, role=role))

        try:
            await self._database.write(add)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            raise USERNAME_TAKEN() from error
        return account

    async def verify(self, username: str, password: str) -> Account | None:
        """Return the account if the password is right, None if it is not or there is no such user.

        Both take the same time. A hash of outdated parameters is replaced. Raises the problems `overloaded` and
        `database_unavailable`.
        """
        # What cannot be a user name is not looked up: PostgreSQL's text, for one, has no NUL.
        found = await self._find(UserRow.username_key == username_key(username)) if is_username(username) else None
        if found is None:
            await self._passwords.verify_dummy(password)
            return None
        verification = await self._passwords.verify(password, found.password_hash)
        if not verification.matches:
            return None
        if verification.upgraded_hash is not None:
            await self._replace_hash(found, verification.upgraded_hash)
        return found.account

    async def get(self, user_id: str) -> Account | None:
        """Return the account of this id, if there is one; raises the problem `database_unavailable`."""
        found = await self._find(UserRow.id == user_id)
        return None if found is None else found.account

    async def delete(self, user_id: str) -> bool:
        """Delete the account and all that belongs to it; return whether there was one.

        Its sessions and tokens go with it, in the same transaction. Raises the problem `database_unavailable`.
        """
        statement = delete(UserRow).where(UserRow.id == user_id).returning(UserRow.id)

        async def remove(session: AsyncSession) -> bool:
            return await session.scalar(statement) is not None

        return await self._database.write(remove)

    async def _find(self, criterion: ColumnElement[bool]) -> _Found | None:
        query = _ACCOUNT.where(criterion)
        async with self._database.read() as session:
            rows = (await session.execute(query)).all()
        if not rows:
            return None
        roles = [row.role for row in rows if row.role is not None]
        first = rows[0]
        return _Found(Account(first.id, first.username, roles, first.created_at), first.password_hash)

    async def _replace_hash(self, found: _Found, password_hash: str) -> None:
        # Only if it is still the one that was verified: a password changed meanwhile must stay changed.
        statement = (
            update(UserRow)
            .where(UserRow.id == found.account.id, UserRow.password_hash == found.password_hash)
            .values(password_hash=password_hash)
        )

        async def replace(session: AsyncSession) -> None:
            await session.execute(statement)

        await self._database.write(replace)
