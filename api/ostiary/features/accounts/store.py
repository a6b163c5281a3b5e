"""Queries on users for administrators, and changes of one version of a user."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, select, union, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.core.etags import PRECONDITION_FAILED
from ostiary.core.pages import Page, Position
from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.problems import USERNAME_TAKEN
from ostiary.features.accounts.rules import after_prefix, email_key, username_key, username_skeleton
from ostiary.features.accounts.service import Account, account_of, taken
from ostiary.features.roles.service import Grants, granted, holders
from ostiary.persistence.transaction import Transaction

Sort = Literal["created_at", "-created_at", "username", "-username"]
"""The sort order of a list of users; a leading minus reverses it."""


@dataclass(frozen=True)
class UserFilter:
    """Which users to list, and their order. search: a prefix of a name or an email address, regardless of case."""

    sort: Sort
    role: str | None = None
    disabled: bool | None = None
    search: str | None = None


@dataclass(frozen=True)
class LockedUser:
    """A user who is locked until the transaction ends, with their permissions."""

    account: Account
    grants: Grants

    @classmethod
    def of_row(cls, row: Row[Any]) -> "LockedUser":
        """Read the user and the columns of `granted` from a row of a query that has them."""
        grants = Grants.of_row(row)
        return cls(account_of(row.UserRow, grants), grants)


def page_of_ids(wanted: UserFilter, limit: int, after: Position | None) -> Select[str, str]:
    """Return a query for the ids and names of one page, plus one more user if there is a next page.

    Ids are UUIDv7, so their order is that of creation.
    """
    column = UserRow.username_key if wanted.sort.endswith("username") else UserRow.id
    down = wanted.sort.startswith("-")
    query = select(UserRow.id, UserRow.username_key).order_by(column.desc() if down else column).limit(limit + 1)
    if after is not None:
        query = query.where(column < after[0] if down else column > after[0])
    if wanted.role is not None:
        query = query.where(UserRow.id.in_(holders(wanted.role)))
    if wanted.disabled is not None:
        query = query.where(UserRow.disabled_at.is_not(None) if wanted.disabled else UserRow.disabled_at.is_(None))
    search = (wanted.search or "").strip()
    name = username_key(search)
    if name:  # a search without visible characters is a prefix of every name
        # One range in each of the two indexes: with an OR, the database would scan the whole table.
        found = (
            select(UserRow.id).where(_begins(UserRow.username_key, name)),
            select(UserRow.id).where(_begins(UserRow.email_key, email_key(search).replace("\0", " "))),
        )
        query = query.where(UserRow.id.in_(union(*found)))
    return query


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    end = after_prefix(prefix)
    begun: ColumnElement[bool] = column >= prefix
    return begun if end is None else begun & (column < end)


async def page(session: AsyncSession, wanted: UserFilter, limit: int, after: Position | None) -> Page[Account]:
    """Return one page of the users that match the filter."""
    keys = list(await session.execute(page_of_ids(wanted, limit, after)))
    ids = [user_id for user_id, _ in keys[:limit]]
    query = select(UserRow, *granted(UserRow.id)).where(UserRow.id.in_(ids))
    rows = {row.UserRow.id: account_of(row.UserRow, Grants.of_row(row)) for row in await session.execute(query)}
    position = None
    if len(keys) > limit:
        user_id, name = keys[limit - 1]
        position = (name if wanted.sort.endswith("username") else user_id,)
    return Page(
        [rows[one] for one in ids if one in rows], position
    )  # a user may have been deleted between the two queries


async def lock_user(tx: Transaction, user_id: str) -> LockedUser | None:
    """Return the user, if there is one; on PostgreSQL the row is locked until the transaction ends."""
    query = select(UserRow, *granted(UserRow.id)).where(UserRow.id == user_id).with_for_update(of=UserRow)
    row = (await tx.session.execute(query.execution_options(populate_existing=True))).one_or_none()
    return None if row is None else LockedUser.of_row(row)


async def change(
    tx: Transaction,
    account: Account,
    *,
    username: str | None = None,
    email: str | Literal[False] | None = False,
    disabled_at: datetime | Literal[False] | None = False,
) -> None:
    """Change the user and increment the version, if it is still that of `account`. Omitted values do not change.

    Raises the problems `precondition_failed`, `username_taken`, `email_taken`.
    """
    values: dict[str, Any] = {}
    if username is not None:
        values |= await _name_values(tx, account, username)
    if email is not False:
        values |= {"email": email, "email_key": None if email is None else email_key(email)}
    if disabled_at is not False:
        values["disabled_at"] = disabled_at
    statement = (
        update(UserRow)
        .where(UserRow.id == account.id, UserRow.version == account.version)
        .values(**values, version=UserRow.version + 1)
        .returning(UserRow.id)
        .execution_options(synchronize_session=False)
    )
    try:
        changed = await tx.session.scalar(statement)
    except IntegrityError as error:
        raise taken(error) from error
    if changed is None:
        raise PRECONDITION_FAILED()


async def _name_values(tx: Transaction, account: Account, username: str) -> dict[str, Any]:
    """Return the columns of a new name of `account`; raises `username_taken` if it looks like another user's.

    Of two users who take such a name at once, the unique constraint refuses one.
    """
    values: dict[str, Any] = {"username": username, "username_key": username_key(username)}
    skeleton = username_skeleton(username)
    if skeleton == username_skeleton(account.username):
        return values
    others = select(UserRow.id).where(UserRow.username_skeleton == skeleton, UserRow.id != account.id)
    if await tx.session.scalar(others.limit(1)) is not None:
        raise USERNAME_TAKEN()
    return values | {"username_skeleton": skeleton, "username_twin": 0}


async def note_changed_roles(tx: Transaction, role: str) -> None:
    """Increment the version of all users with `role`, before the role is removed from them."""
    statement = update(UserRow).where(UserRow.id.in_(holders(role))).values(version=UserRow.version + 1)
    await tx.session.execute(statement.execution_options(synchronize_session=False))
