"""Accounts: registering, proving a password, looking oneself up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select, update
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

        async def insert(session: AsyncSession) -> None:
            session.add(
                UserRow(
                    id=account.id,
                    username=username,
                    username_key=key,
                    password_hash=password_hash,
                    created_at=account.created_at,
                )
            )
            await session.flush()
            session.add_all(UserRoleRow(user_id=account.id, role=role) for role in account.roles)

        try:
            await self._database.write(insert)
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
        row = await self._find(username) if is_username(username) else None
        if row is None:
            await self._passwords.verify_dummy(password)
            return None
        found, roles = row
        verification = await self._passwords.verify(password, found.password_hash)
        if not verification.matches:
            return None
        if verification.upgraded_hash is not None:
            await self._replace_hash(found, verification.upgraded_hash)
        return Account(found.id, found.username, roles, found.created_at)

    async def get(self, user_id: str) -> Account | None:
        """Return the account of this id, if there is one; raises the problem `database_unavailable`."""
        async with self._database.read() as session:
            row = await session.get(UserRow, user_id)
            if row is None:
                return None
            return Account(row.id, row.username, await self._roles(session, row.id), row.created_at)

    async def _find(self, username: str) -> tuple[UserRow, list[str]] | None:
        async with self._database.read() as session:
            row = await session.scalar(select(UserRow).where(UserRow.username_key == username_key(username)))
            return None if row is None else (row, await self._roles(session, row.id))

    @staticmethod
    async def _roles(session: AsyncSession, user_id: str) -> list[str]:
        query = select(UserRoleRow.role).where(UserRoleRow.user_id == user_id).order_by(UserRoleRow.role)
        return list(await session.scalars(query))

    async def _replace_hash(self, row: UserRow, password_hash: str) -> None:
        # Only if it is still the one that was verified: a password changed meanwhile must stay changed.
        statement = (
            update(UserRow)
            .where(UserRow.id == row.id, UserRow.password_hash == row.password_hash)
            .values(password_hash=password_hash)
        )

        async def replace(session: AsyncSession) -> None:
            await session.execute(statement)

        await self._database.write(replace)
