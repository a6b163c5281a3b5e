"""Units of work that mypy refuses, each in the lines that say so; see test_transaction."""

from ostiary.core.actor import Actor
from ostiary.core.principal import Principal
from ostiary.core.request_info import SERVER
from ostiary.features.accounts.service import Accounts, PasswordCheck
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import RevokingTransaction
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction


async def plain(tx: Transaction, door: str) -> None:
    await tx.revoke_session(door)  # refused
    await tx.revoke_everyone()  # refused


async def revoking(tx: RevokingTransaction, door: str) -> None:
    await tx.revoke_session(door)


async def revoking_as(tx: RevokingTransaction, _bearer: Principal, door: str) -> None:
    await revoking(tx, door)


async def calls(database: Database, actors: Actors, actor: Actor) -> None:
    await database.write(plain, "front")
    await database.write(plain, 1)  # refused
    await database.write(plain)  # refused
    await database.write(revoking, "front")  # refused
    await actors.write(actor, revoking_as, "front")  # refused
    await actors.write_revoking(actor, revoking_as, "front")


async def helpers(tx: Transaction, check: PasswordCheck) -> None:
    await revoking(tx, "front")  # refused
    await Accounts.set_password(tx, check, "a hash")  # refused
    await Accounts.delete(tx, "somebody", SERVER, None)  # refused
