"""Logins that need more than their first evidence, with a stage of the tests' own."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import func, select, text

from ostiary.core.access_tokens import claims_of
from ostiary.core.problems import Problem
from ostiary.core.request_info import RequestInfo
from ostiary.core.sealing import digest
from ostiary.feature import Context, Evidence, Feature
from ostiary.features import FEATURES
from ostiary.features.accounts.service import Accounts
from ostiary.features.sessions.issuing import TokenPair
from ostiary.features.sessions.login import Logins, PendingLogin
from ostiary.features.sessions.models import PendingLoginRow, SessionRow
from ostiary.features.sessions.rules import MAX_LOGIN_ATTEMPTS, PENDING_LOGIN_SECONDS, assurance
from ostiary.persistence.cleanup import Cleanup
from ostiary.persistence.migrate import migrate
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp
from tests.support.clients import new_client
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD, Person, log_in, person, refresh, register
from tests.support.rivals import rivals_of
from tests.support.trail import told

HERE = RequestInfo("127.0.0.1", "tests")
DAY = 86400


class CodeStage:
    """Asks the users who have a code for it."""

    def __init__(self, name: str = "test_code", method: str = "otp") -> None:
        self.name = name
        self.codes: dict[str, str] = {}
        self._method = method

    async def is_needed(self, _tx: Transaction, evidence: Evidence) -> bool:
        return evidence.user_id in self.codes

    async def check(
        self, _tx: Transaction, user_id: str, answer: Mapping[str, str], _info: RequestInfo
    ) -> tuple[str, ...] | None:
        return (self._method,) if answer["code"] == self.codes[user_id] else None


def install(services: Context, *stages: CodeStage) -> None:
    services.get(Logins)._stages = stages


@pytest.fixture
def stage(app: App) -> CodeStage:
    """A stage that `ada` has to pass and `bob` does not."""
    found = CodeStage()
    for name in ("ada", "bob"):
        register(app, name)
    found.codes[user_id(app, "ada")] = "123456"
    install(app.services, found)
    return found


def user_id(app: App, name: str) -> str:
    found = app.run(app.services.get(Accounts).verify, name, PASSWORD)
    return str(found.account.id)


def begin(app: App, name: str = "ada") -> PendingLogin:
    found = app.run(app.services.get(Logins).with_password, name, PASSWORD, HERE)
    assert isinstance(found, PendingLogin)
    return found


def proceed(app: App, token: str, code: str = "123456", stage: str = "test_code") -> Any:
    """The outcome of an answer: tokens, what comes next, or the code of the problem."""
    try:
        return app.run(app.services.get(Logins).proceed, token, stage, {"code": code}, HERE)
    except Problem as problem:
        return problem.kind.code


def count(app: App, row: Any) -> int:
    async def read() -> int:
        async with app.services.database.read() as session:
            return int(await session.scalar(select(func.count()).select_from(row)) or 0)

    found: int = app.run(read)
    return found


def methods_of(access_token: str) -> tuple[list[str], str, int]:
    claims = claims_of(access_token)
    return claims["amr"], claims["acr"], claims["auth_time"]


def test_a_login_that_needs_more_is_answered_202_without_tokens(make_app: MakeApp, database_url: str) -> None:
    stage = CodeStage()
    feature = Feature(name="test_code", login_stages=lambda _context: (stage,))
    # The contract has no 202 yet: no stage is shipped.
    app = make_app(database_url, features=(*FEATURES, feature), contract_checks="off")
    register(app)
    stage.codes[user_id(app, "ada")] = "123456"
    answer = app.client.post("/login", json={"username": "ada", "password": PASSWORD})
    assert answer.status_code == 202
    assert answer.json == {
        "login_token": answer.json["login_token"],
        "expires_in": PENDING_LOGIN_SECONDS,
        "next": "test_code",
    }
    assert (count(app, PendingLoginRow), count(app, SessionRow)) == (1, 0)
    pair = proceed(app, answer.json["login_token"])
    assert app.client.get("/protected", headers={"Authorization": f"Bearer {pair.access_token}"}).status_code == 200


def test_a_login_that_needs_no_stage_is_complete(app: App, stage: CodeStage) -> None:
    assert methods_of(log_in(app, "bob").tokens["access_token"])[:2] == (["pwd"], "aal1")
    assert count(app, PendingLoginRow) == 0


def test_a_wrong_password_reaches_no_stage(app: App, stage: CodeStage) -> None:
    assert app.client.post("/login", json={"username": "ada", "password": "a wrong one"}).status_code == 401
    assert count(app, PendingLoginRow) == 0


def test_only_the_digest_of_the_token_is_stored(app: App, stage: CodeStage) -> None:
    pending = begin(app)

    async def read() -> PendingLoginRow:
        async with app.services.database.read() as session:
            return (await session.scalars(select(PendingLoginRow))).one()

    row = app.run(read)
    assert row.digest == digest(pending.login_token)
    assert pending.login_token not in str(vars(row)) + repr(pending)


def test_a_completed_login_says_how_and_a_refresh_does_not_downgrade_it(
    app: App, stage: CodeStage, clock: FakeClock
) -> None:
    pending = begin(app)
    clock.move(30)
    pair = proceed(app, pending.login_token)
    how = (["pwd", "otp", "mfa"], "aal2", int(clock.timestamp()))
    assert methods_of(pair.access_token) == how
    clock.move(60)
    renewed = refresh(app, pair.refresh_token).json
    assert methods_of(renewed["access_token"]) == how
    told_to_services = app.client.post(
        "/oauth/introspect", data={"token": renewed["access_token"]}, headers=new_client(app)
    ).json
    assert (told_to_services["amr"], told_to_services["acr"], told_to_services["auth_time"]) == how
    assert told(app, "session") == [("session.started", {"session_id": pair.session_id})]


def test_a_reauthentication_keeps_how_the_session_began(app: App, stage: CodeStage, clock: FakeClock) -> None:
    pair = proceed(app, begin(app).login_token)
    clock.move(60)
    ada = Person(app, "ada", {"access_token": pair.access_token})
    renewed = ada.post("/me/reauthenticate", json={"password": PASSWORD}).json
    assert methods_of(renewed["access_token"]) == (["pwd", "otp", "mfa"], "aal2", int(clock.timestamp()))


def test_a_login_token_is_good_until_it_expires(app: App, stage: CodeStage, clock: FakeClock) -> None:
    first, second = begin(app), begin(app)
    clock.move(PENDING_LOGIN_SECONDS - 1)
    assert isinstance(proceed(app, first.login_token), TokenPair)
    clock.move(1)
    assert proceed(app, second.login_token) == "invalid_login_token"
    assert count(app, SessionRow) == 1


def test_a_login_token_is_good_once(app: App, stage: CodeStage) -> None:
    pending = begin(app)
    assert isinstance(proceed(app, pending.login_token), TokenPair)
    assert proceed(app, pending.login_token) == "invalid_login_token"
    assert (count(app, PendingLoginRow), count(app, SessionRow)) == (0, 1)


def test_an_unknown_login_token_is_refused(app: App, stage: CodeStage) -> None:
    begin(app)
    assert proceed(app, "unknown") == "invalid_login_token"


@pytest.mark.parametrize(
    ("wrong", "outcome"), [(MAX_LOGIN_ATTEMPTS - 1, TokenPair), (MAX_LOGIN_ATTEMPTS, "invalid_login_token")]
)
def test_wrong_answers_are_counted(app: App, stage: CodeStage, wrong: int, outcome: Any) -> None:
    pending = begin(app)
    assert [proceed(app, pending.login_token, "000000") for _ in range(wrong)] == ["invalid_credentials"] * wrong
    last = proceed(app, pending.login_token)
    assert last == outcome if isinstance(outcome, str) else isinstance(last, outcome)


def test_the_code_of_another_user_is_refused(app: App, stage: CodeStage) -> None:
    """A login token stands for its user: another one's code does not complete it, and that one's token is another."""
    bob = user_id(app, "bob")
    stage.codes[bob] = "654321"
    of_ada, of_bob = begin(app), begin(app, "bob")
    assert proceed(app, of_ada.login_token, "654321") == "invalid_credentials"
    assert proceed(app, of_bob.login_token, "123456") == "invalid_credentials"
    assert claims_of(proceed(app, of_bob.login_token, "654321").access_token)["sub"] == bob
    assert claims_of(proceed(app, of_ada.login_token).access_token)["sub"] == user_id(app, "ada")


def test_an_answer_to_another_stage_is_refused(app: App, stage: CodeStage) -> None:
    assert proceed(app, begin(app).login_token, stage="another") == "invalid_login_token"


def test_a_stage_that_was_taken_out_ends_its_logins(app: App, stage: CodeStage) -> None:
    pending = begin(app)
    install(app.services)
    assert proceed(app, pending.login_token) == "invalid_login_token"
    assert count(app, SessionRow) == 0


@pytest.mark.parametrize("change", ["disabled_at = CURRENT_TIMESTAMP", "password_version = password_version + 1", ""])
def test_a_user_who_was_changed_since_the_first_evidence_has_to_begin_again(
    app: App, stage: CodeStage, change: str
) -> None:
    """Without a change: the user was deleted."""
    pending = begin(app)

    async def alter(tx: Transaction) -> None:
        statement = f"UPDATE users SET {change}" if change else "DELETE FROM users"
        await tx.session.execute(text(f"{statement} WHERE username = 'ada'"))

    app.run(app.services.database.write, alter)
    assert proceed(app, pending.login_token) == "invalid_login_token"
    assert count(app, SessionRow) == 0


def test_stages_follow_each_other_each_with_a_token_of_its_own(app: App, stage: CodeStage) -> None:
    second = CodeStage("test_face", "face")
    ada = user_id(app, "ada")
    second.codes[ada] = "smile"
    install(app.services, stage, second)
    first = begin(app)
    assert proceed(app, first.login_token, "smile", "test_face") == "invalid_login_token"
    then = proceed(app, first.login_token)
    assert (then.next, then.expires_in) == ("test_face", PENDING_LOGIN_SECONDS)
    assert proceed(app, first.login_token) == "invalid_login_token"
    pair = proceed(app, then.login_token, "smile", "test_face")
    assert methods_of(pair.access_token)[:2] == (["pwd", "otp", "face", "mfa"], "aal2")
    assert (count(app, PendingLoginRow), count(app, SessionRow)) == (0, 1)


def test_of_parallel_completions_exactly_one_wins(app: App, stage: CodeStage) -> None:
    pending = begin(app)

    async def race() -> list[object]:
        async with rivals_of(app, 4) as rivals:
            for rival in rivals:
                install(rival, stage)
            answers = (
                rival.get(Logins).proceed(pending.login_token, "test_code", {"code": "123456"}, HERE)
                for rival in rivals
                for _ in range(2)
            )
            return await asyncio.gather(*answers, return_exceptions=True)

    outcomes = asyncio.run(race())
    refused = [one.kind.code for one in outcomes if isinstance(one, Problem)]
    assert sum(isinstance(one, TokenPair) for one in outcomes) == 1, outcomes
    assert refused == ["invalid_login_token"] * 7
    assert (count(app, PendingLoginRow), count(app, SessionRow)) == (0, 1)


def test_expired_pending_logins_are_deleted_a_day_later(app: App, stage: CodeStage, clock: FakeClock) -> None:
    begin(app)
    clock.move(PENDING_LOGIN_SECONDS)
    begin(app)
    clock.move(DAY - 1)
    app.run(app.services.get(Cleanup).round)
    assert count(app, PendingLoginRow) == 2
    clock.move(1)
    assert app.run(app.services.get(Cleanup).round)["pending_logins"] == 1
    assert count(app, PendingLoginRow) == 1


def test_sessions_of_before_the_migration_are_password_sessions(app: App) -> None:
    ada = person(app)

    async def undo(tx: Transaction) -> None:
        for statement in (
            "ALTER TABLE sessions DROP COLUMN amr",
            "ALTER TABLE sessions DROP COLUMN acr",
            "DROP TABLE pending_logins",
            "UPDATE alembic_version SET version_num = '0011'",
        ):
            await tx.session.execute(text(statement))

    app.run(app.services.database.write, undo)
    assert "0012" in asyncio.run(migrate(app.settings.effective_database_url, 30))
    renewed = refresh(app, ada.tokens["refresh_token"]).json
    assert methods_of(renewed["access_token"]) == methods_of(ada.tokens["access_token"])


@pytest.mark.parametrize(
    ("methods", "amr", "acr"),
    [
        (["pwd"], ("pwd",), "aal1"),
        (["otp"], ("otp",), "aal1"),
        (["pwd", "pwd"], ("pwd",), "aal1"),
        (["pwd", "pin"], ("pwd", "pin"), "aal1"),
        (["pwd", "otp"], ("pwd", "otp", "mfa"), "aal2"),
        (["hwk", "mfa"], ("hwk", "mfa"), "aal2"),
        (["pwd", "unknown"], ("pwd", "unknown"), "aal1"),
    ],
)
def test_two_kinds_of_factor_are_aal2(methods: list[str], amr: tuple[str, ...], acr: str) -> None:
    found = assurance(methods)
    assert (found.amr, found.acr) == (amr, acr)
