"""POST /register under an Idempotency-Key: what a repetition is answered, and what the database keeps of it."""

import asyncio

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from ostiary.core.idempotency import IDEMPOTENCY_KEY_IN_USE, Asked, KeptAnswer
from ostiary.core.problems import Problem
from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.service import Accounts
from ostiary.features.idempotency.models import IdempotencyKeyRow
from ostiary.features.idempotency.service import CLAIM_SECONDS, Claim, Idempotency
from ostiary.persistence.cleanup import Cleanup
from tests.conftest import App, MakeApp
from tests.support.clock import FakeClock
from tests.support.people import PASSWORD, log_in, person
from tests.support.people import register as make
from tests.support.waiting import eventually

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def register(app: App, key: str | None = f'"{KEY}"', username: str = "ada", password: str = PASSWORD) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return app.client.post("/register", json={"username": username, "password": password}, headers=headers)


def count(app: App, table: type = UserRow) -> int:
    async def ask() -> int:
        async with app.services.database.read() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    return app.run(ask)


def rows(app: App) -> list[IdempotencyKeyRow]:
    async def ask() -> list[IdempotencyKeyRow]:
        async with app.services.database.read() as session:
            return list(await session.scalars(select(IdempotencyKeyRow)))

    return app.run(ask)


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_a_repetition_gets_the_first_answer(app: App) -> None:
    first = register(app)
    assert (first.status_code, first.headers.get("Idempotent-Replayed")) == (201, None)
    for key in (f'"{KEY}"', KEY):
        again = register(app, key)
        assert (again.status_code, again.data, again.headers["Idempotent-Replayed"]) == (201, first.data, "true")
        assert again.headers["Content-Type"] == first.headers["Content-Type"]
        assert again.headers["Cache-Control"] == "no-store"
    assert count(app) == 1
    log_in(app)


def test_members_in_another_order_are_the_same_body(app: App) -> None:
    first = register(app)
    swapped = f'{{"password": "{PASSWORD}",  "username": "ada"}}'
    again = app.client.post(
        "/register", data=swapped, content_type="application/json", headers={"Idempotency-Key": KEY}
    )
    assert (again.status_code, again.data) == (201, first.data)


@pytest.mark.parametrize(
    ("username", "password"), [("grace", PASSWORD), ("ada", "another password"), ("Ada", PASSWORD)]
)
def test_another_body_under_the_same_key_is_refused(app: App, username: str, password: str) -> None:
    """Also to a stranger with the same key, who so sees nothing of the first answer."""
    register(app)
    assert code(register(app, username=username, password=password)) == (422, "idempotency_key_reused")
    assert count(app) == 1


def test_another_key_is_another_request(app: App) -> None:
    register(app)
    assert code(register(app, "another")) == (409, "username_taken")
    assert register(app, "another", "grace").status_code == 201


def test_without_a_key_nothing_is_kept(app: App) -> None:
    assert register(app, None).status_code == 201
    assert code(register(app, None)) == (409, "username_taken")
    assert rows(app) == []


@pytest.mark.parametrize("key", ["", "two words", '"a", "b"', "k" * 129, "\xe4"])
def test_a_malformed_key_is_refused(app: App, key: str) -> None:
    assert code(register(app, key)) == (400, "idempotency_key_malformed")
    assert count(app) == 0


def test_a_body_that_does_not_fit_claims_no_key(app: App) -> None:
    assert code(register(app, username="x")) == (422, "validation_failed")
    assert rows(app) == []
    assert register(app).status_code == 201


def test_a_refusal_changes_nothing_and_frees_the_key(app: App) -> None:
    """Who was told that the name is taken may send another one under the same key, or the same one later."""
    make(app, "ada")
    assert code(register(app)) == (409, "username_taken")
    assert rows(app) == []
    assert register(app, username="grace").status_code == 201


def test_an_error_of_ours_frees_the_key(make_app: MakeApp, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(database_url, contract_checks="off")  # a 500 is in no contract
    with monkeypatch.context() as broken:
        broken.setattr(app.services.get(Accounts), "_passwords", None)
        assert code(register(app)) == (500, "internal_error")
    assert rows(app) == []
    assert register(app).status_code == 201


def test_what_was_written_before_an_error_of_ours_is_undone(
    make_app: MakeApp, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(database_url, contract_checks="off")
    accounts = app.services.get(Accounts)

    async def write_and_break(username: str, password: str) -> None:
        await type(accounts).register(accounts, username, password)
        raise RuntimeError("broken")

    with monkeypatch.context() as broken:
        broken.setattr(accounts, "register", write_and_break)
        assert code(register(app)) == (500, "internal_error")
    assert (count(app), rows(app)) == (0, [])
    assert register(app).status_code == 201


def test_a_commit_that_fails_frees_the_key(
    make_app: MakeApp, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(database_url, contract_checks="off")
    with monkeypatch.context() as broken:
        broken.setattr(app.services.get(Idempotency), "_keep", None)
        assert code(register(app)) == (500, "internal_error")
    assert (count(app), rows(app)) == (0, [])
    assert register(app).status_code == 201


def test_a_first_request_under_way_is_told_of(app: App, clock: FakeClock) -> None:
    """And if whoever sent it is never heard of again, its claim lapses."""
    asked = asked_for(app)
    app.run(app.services.get(Idempotency).begin, asked)
    refused = register(app)
    assert (code(refused), refused.headers["Retry-After"]) == ((409, "idempotency_key_in_use"), "1")
    assert code(register(app, username="grace")) == (422, "idempotency_key_reused")
    clock.move(CLAIM_SECONDS - 1)
    assert code(register(app)) == (409, "idempotency_key_in_use")
    clock.move(1)
    assert register(app).status_code == 201


def asked_for(app: App, username: str = "ada", key: str = KEY) -> Asked:
    body = f'{{"password": "{PASSWORD}", "username": "{username}"}}'
    return Asked("POST /register?", "", key, body.encode())


def test_who_was_too_slow_has_done_nothing(app: App, clock: FakeClock) -> None:
    """The claim has lapsed, another request has taken it: the first one's work must not be done beside it."""
    keeper, accounts = app.services.get(Idempotency), app.services.get(Accounts)

    async def scenario() -> None:
        slow, quick = await claims(keeper)
        with slow.holding():
            await accounts.register("slow", PASSWORD)
        with pytest.raises(Problem) as refused:
            await slow.keep(KeptAnswer(201, {}, "slow"))
        assert refused.value.kind is IDEMPOTENCY_KEY_IN_USE
        with quick.holding():
            await accounts.register("quick", PASSWORD)
        await quick.keep(KeptAnswer(201, {}, "quick"))
        assert await keeper.begin(asked_for(app)) == KeptAnswer(201, {}, "quick")

    async def claims(keeper: Idempotency) -> list[Claim]:
        found = []
        for _ in range(2):
            found.append(await keeper.begin(asked_for(app)))
            clock.move(CLAIM_SECONDS)
        assert all(isinstance(claim, Claim) for claim in found)
        return found

    app.run(scenario)
    assert count(app) == 1


def test_a_client_that_goes_away_while_its_key_is_claimed_leaves_the_key_free(app: App) -> None:
    keeper = app.services.get(Idempotency)

    async def scenario() -> None:
        for turn in range(60):
            asked = asked_for(app, key=f"key-{turn}")
            first = asyncio.create_task(keeper.begin(asked))
            for _ in range(turn):
                await asyncio.sleep(0)
            first.cancel()
            (begun,) = await asyncio.gather(first, return_exceptions=True)
            if isinstance(begun, Claim):
                continue  # it was done before
            assert isinstance(begun, asyncio.CancelledError)
            await eventually(lambda: not app.services.database._writes)
            again = await keeper.begin(asked)
            assert isinstance(again, Claim)
            await again.release(commit=False)

    app.run(scenario)


def test_an_answer_is_given_for_a_day_and_then_forgotten(app: App, clock: FakeClock) -> None:
    first = register(app)
    clock.move(86399)
    assert register(app).data == first.data
    clock.move(1)
    assert code(register(app)) == (409, "username_taken")


def test_for_how_long_is_a_setting(make_app: MakeApp, database_url: str, clock: FakeClock) -> None:
    app = make_app(database_url, idempotency_seconds=5)
    register(app)
    clock.move(5)
    assert code(register(app)) == (409, "username_taken")


def test_the_cleanup_deletes_expired_keys(app: App, clock: FakeClock) -> None:
    async def claim(key: str) -> None:
        await app.services.get(Idempotency).begin(asked_for(app, key=key))

    for number in range(3):
        app.run(claim, f"old-{number}")
    clock.move(CLAIM_SECONDS)
    app.run(claim, "new")
    assert app.run(app.services.get(Cleanup).round)["idempotency_keys"] == 3
    assert count(app, IdempotencyKeyRow) == 1


def test_nothing_of_it_can_be_read_in_the_database(app: App) -> None:
    user_id = register(app, username="ada-lovelace").json["user"]["id"]
    (row,) = rows(app)
    kept = str(vars(row))
    for secret in (KEY, PASSWORD, "ada-lovelace", user_id):
        assert secret not in kept


def test_another_secret_key_knows_nothing(app: App, make_app: MakeApp) -> None:
    register(app)
    other = make_app(app.settings.database_url, secret_key="another secret of the tests, as long as the first")
    assert code(register(other)) == (409, "username_taken")


def test_the_same_key_of_another_caller_or_operation_is_another_key(app: App) -> None:
    keeper = app.services.get(Idempotency)
    ada = person(app).get("/me").json["id"]
    asked = [Asked(operation, caller, KEY, b"{}") for operation in ("POST /a", "POST /b") for caller in ("", ada)]

    async def scenario() -> list[object]:
        for number, one in enumerate(asked):
            claim = await keeper.begin(one)
            assert isinstance(claim, Claim)
            await claim.keep(KeptAnswer(201, {"Location": "/a/1"}, str(number)))
        return [await keeper.begin(one) for one in asked]

    assert app.run(scenario) == [KeptAnswer(201, {"Location": "/a/1"}, str(number)) for number in range(4)]
