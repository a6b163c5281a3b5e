"""The login pipeline: evidence starts a login, stages ask for more, and the last stage begins a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from ostiary.core.clock import Clock
from ostiary.core.randomness import Randomness
from ostiary.core.request_info import RequestInfo
from ostiary.core.sealing import digest
from ostiary.feature import Evidence, LoginStage
from ostiary.features.accounts.service import Accounts
from ostiary.features.sessions.events import LOG_IN_FAILED
from ostiary.features.sessions.issuing import TokenIssuer, TokenPair
from ostiary.features.sessions.models import PendingLoginRow
from ostiary.features.sessions.problems import ACCOUNT_DISABLED, INVALID_CREDENTIALS, INVALID_LOGIN_TOKEN
from ostiary.features.sessions.rotation import Successor
from ostiary.features.sessions.rules import MAX_LOGIN_ATTEMPTS, PENDING_LOGIN_SECONDS
from ostiary.persistence.base import table_of
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Transaction

# Created once: building a statement costs SQLAlchemy more than running it.
_PENDING = table_of(PendingLoginRow)
_ADD = insert(_PENDING)
_FIND = select(PendingLoginRow).where(PendingLoginRow.digest == bindparam("wanted"))
_CLAIM = (
    update(PendingLoginRow)
    .where(
        PendingLoginRow.digest == bindparam("wanted"),
        PendingLoginRow.expires_at > bindparam("now"),
        PendingLoginRow.attempts < MAX_LOGIN_ATTEMPTS,
    )
    .values(attempts=PendingLoginRow.attempts + 1)
    .returning(PendingLoginRow.digest)
    .execution_options(synchronize_session=False)
)
_REMOVE = delete(_PENDING).where(_PENDING.c.digest == bindparam("wanted"))


@dataclass(frozen=True)
class PendingLogin:
    """A login that needs more evidence. login_token: single use. expires_in: seconds. next: the name of the stage."""

    login_token: str = field(repr=False)
    expires_in: int
    next: str


@dataclass(frozen=True)
class _WrongAnswer:
    """The stage refused the answer. The attempt is still committed."""


class Logins:
    """The use cases of logging in. stages: in the order in which a login passes them."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        issuer: TokenIssuer,
        clock: Clock,
        randomness: Randomness,
        stages: Sequence[LoginStage] = (),
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._issuer = issuer
        self._clock = clock
        self._randomness = randomness
        self._stages = tuple(stages)

    async def with_password(self, username: str, password: str, info: RequestInfo) -> TokenPair | PendingLogin:
        """Log in with a password; return the tokens of a new session, or the next stage.

        Raises the problems `invalid_credentials`, `account_disabled`, `overloaded`, `database_unavailable`.
        """
        check = await self._accounts.verify(username, password)
        account = check.account
        if account is None or not check.matches:
            reason = "unknown_user" if account is None else "wrong_password"
            await self._database.write(self._note_refusal, None if account is None else account.id, reason, info)
            raise INVALID_CREDENTIALS()
        if account.disabled:
            await self._database.write(self._note_refusal, account.id, "account_disabled", info)
            raise ACCOUNT_DISABLED()
        return await self.enter(Evidence(account.id, ("pwd",), check.password_version), info)

    @staticmethod
    async def _note_refusal(tx: Transaction, user_id: str | None, reason: str, info: RequestInfo) -> None:
        tx.record(LOG_IN_FAILED, info, user_id=user_id, outcome="failure", reason=reason)

    async def enter(self, evidence: Evidence, info: RequestInfo) -> TokenPair | PendingLogin:
        """Begin a login with evidence that was just checked; return tokens, or the next stage.

        Raises the problems `invalid_credentials` (the user was disabled or deleted, or the password was changed, since
        the check) and `database_unavailable`.
        """
        outcome = await self._database.write(self._enter, evidence, info)
        if outcome is None:
            raise INVALID_CREDENTIALS()
        return outcome if isinstance(outcome, PendingLogin) else await self._issuer.pair(outcome)

    async def _enter(self, tx: Transaction, evidence: Evidence, info: RequestInfo) -> Successor | PendingLogin | None:
        snapshot = await self._accounts.confirm(tx, evidence.user_id, evidence.password_version)
        if snapshot is None:
            return None
        stage = await self._next(tx, evidence, self._stages)
        if stage is None:
            return await self._issuer.begin(tx, evidence.user_id, evidence.methods, snapshot, info)
        now = self._clock.now()
        return await self._suspend(tx, evidence, stage, now + timedelta(seconds=PENDING_LOGIN_SECONDS))

    async def proceed(
        self, login_token: str, stage: str, answer: Mapping[str, str], info: RequestInfo
    ) -> TokenPair | PendingLogin:
        """Continue a pending login: its stage checks the answer. Return tokens, or the next stage.

        stage: the name of the stage that the answer is for. After a right answer the token is used up. Raises the
        problems `invalid_login_token` (unknown, expired, used, tried too often, or waiting for another stage),
        `invalid_credentials` (a wrong answer; the token stays valid), `database_unavailable`.
        """
        outcome = await self._database.write(self._proceed, login_token, stage, answer, info)
        if outcome is None:
            raise INVALID_LOGIN_TOKEN()
        if isinstance(outcome, _WrongAnswer):
            raise INVALID_CREDENTIALS()
        return outcome if isinstance(outcome, PendingLogin) else await self._issuer.pair(outcome)

    async def _proceed(
        self, tx: Transaction, login_token: str, stage_name: str, answer: Mapping[str, str], info: RequestInfo
    ) -> Successor | PendingLogin | _WrongAnswer | None:
        token_digest = digest(login_token)
        pending = await tx.session.scalar(_FIND, {"wanted": token_digest})
        if pending is None or pending.stage != stage_name:
            return None
        # First the user, then the login: the deletion of a user locks them in this order, too.
        snapshot = await self._accounts.confirm(tx, pending.user_id, pending.password_version)
        claim = {"wanted": token_digest, "now": self._clock.now()}
        if snapshot is None or await tx.session.scalar(_CLAIM, claim) is None:
            return None
        found = [number for number, stage in enumerate(self._stages) if stage.name == stage_name]
        if not found:  # the feature was removed since
            return None
        added = await self._stages[found[0]].check(tx, pending.user_id, answer, info)
        if added is None:
            return _WrongAnswer()
        await tx.session.execute(_REMOVE, {"wanted": token_digest})
        methods = (*pending.methods.split(), *added)
        evidence = Evidence(pending.user_id, methods, pending.password_version)
        following = await self._next(tx, evidence, self._stages[found[0] + 1 :])
        if following is not None:
            return await self._suspend(tx, evidence, following, pending.expires_at)
        return await self._issuer.begin(tx, pending.user_id, methods, snapshot, info)

    @staticmethod
    async def _next(tx: Transaction, evidence: Evidence, stages: Sequence[LoginStage]) -> LoginStage | None:
        for stage in stages:
            if await stage.is_needed(tx, evidence):
                return stage
        return None

    async def _suspend(
        self, tx: Transaction, evidence: Evidence, stage: LoginStage, expires_at: datetime
    ) -> PendingLogin:
        token, now = self._randomness.token(), self._clock.now()
        row = {
            "digest": digest(token),
            "user_id": evidence.user_id,
            "stage": stage.name,
            "methods": " ".join(evidence.methods),
            "password_version": evidence.password_version,
            "created_at": now,
            "expires_at": expires_at,
        }
        await tx.session.execute(_ADD, row)
        return PendingLogin(token, int((expires_at - now).total_seconds()), stage.name)
