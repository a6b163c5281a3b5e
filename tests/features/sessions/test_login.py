"""POST /login."""

from collections import Counter

import jwt
import pytest
from sqlalchemy import select

from ostiary.core.passwords import Passwords
from ostiary.features.accounts.models import UserRow
from ostiary.features.accounts.service import Accounts
from tests.conftest import App, MakeApp
from tests.support.people import PASSWORD, log_in, person, register
from tests.support.waiting import until


def test_the_pair_has_what_oauth_clients_expect(app: App) -> None:
    pair = person(app).tokens
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == 900
    assert pair["refresh_token_expires_in"] == 14 * 86400
    assert len(pair["refresh_token"]) == 43


def test_the_access_token_is_as_rfc_9068_says(app: App) -> None:
    ada = person(app, roles=("admin",))
    token = ada.tokens["access_token"]
    header = jwt.get_unverified_header(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    keys = app.client.get("/.well-known/jwks.json").json["keys"]
    key = next(jwt.PyJWK(found) for found in keys if found["kid"] == header["kid"])
    claims = jwt.decode(
        token,
        key.key,
        algorithms=["ES256"],
        audience="http://127.0.0.1:8000",
        issuer="http://127.0.0.1:8000",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["sub"] == ada.get("/me").json["id"]
    assert claims["sid"] == ada.tokens["session_id"]
    assert claims["exp"] - claims["iat"] == 900
    assert (claims["roles"], claims["amr"], claims["auth_time"]) == (["admin"], ["pwd"], claims["iat"])
    assert {"jti", "client_id", "scope"} <= claims.keys()


def test_no_answer_with_tokens_may_be_cached(app: App) -> None:
    register(app)
    answer = app.client.post("/login", json={"username": "ada", "password": PASSWORD})
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_name_is_found_in_any_case(app: App) -> None:
    register(app, "Ada")
    assert log_in(app, "aDA").get("/me").json["username"] == "Ada"


@pytest.mark.parametrize("name", ["nobody", "a", "ad\x00", "\u200b\u200b\u200b"])
def test_unknown_and_impossible_names_are_wrong_credentials(app: App, name: str) -> None:
    register(app)
    answer = app.client.post("/login", json={"username": name, "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ostiary"'


def test_an_unknown_name_costs_one_verification_like_a_wrong_password(
    sqlite_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(sqlite_app)
    verified: list[str] = []
    verify = Passwords._verify

    def counted(self: Passwords, password: str, stored_hash: str):
        verified.append(stored_hash.rsplit("$", 2)[0])
        return verify(self, password, stored_hash)

    monkeypatch.setattr(Passwords, "_verify", counted)
    for name in ("ada", "nobody"):
        sqlite_app.client.post("/login", json={"username": name, "password": "wrong password"})
    assert len(verified) == 2
    assert verified[0] == verified[1]  # the same algorithm with the same parameters


def test_unknown_names_cost_what_known_ones_cost_after_the_settings_have_changed(
    make_app: MakeApp, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = make_app(database_url)
    for number in range(6):
        register(before, f"early-{number}")
    app = make_app(database_url, argon2_memory_kib=16)
    for number in range(2):
        register(app, f"later-{number}")
    app.run(app.services.get(Accounts).hash_costs.refresh)
    verified: list[str] = []
    verify = Passwords._verify

    def counted(self: Passwords, password: str, stored_hash: str):
        verified.append(stored_hash.split("$")[3])
        return verify(self, password, stored_hash)

    def costs(names: list[str]) -> Counter[str]:
        verified.clear()
        for name in names:
            answer = app.client.post("/login", json={"username": name, "password": "wrong password"})
            assert answer.status_code == 401
        return Counter(verified)

    monkeypatch.setattr(Passwords, "_verify", counted)
    known = [*(f"early-{number}" for number in range(6)), *(f"later-{number}" for number in range(2))]
    assert costs(known) == {"m=8,t=1,p=1": 6, "m=16,t=1,p=1": 2}
    unknown = costs([f"nobody-{number}" for number in range(80)])
    assert unknown["m=8,t=1,p=1"] / 80 == pytest.approx(6 / 8, abs=0.15)
    assert unknown["m=16,t=1,p=1"] / 80 == pytest.approx(2 / 8, abs=0.15)
    assert len(costs(["nobody-1", "NOBODY-1", " nobody-1"])) == 1


def test_the_costs_are_counted_in_the_background_under_any_server(make_app: MakeApp, database_url: str) -> None:
    register(make_app(database_url))
    app = make_app(database_url, argon2_memory_kib=16)
    app.client.post("/login", json={"username": "nobody", "password": PASSWORD})
    dummies = app.services.get(Passwords)._dummies
    until(lambda: "m=8," in dummies.of("nobody"), 30)


def test_the_same_answer_for_a_wrong_name_and_a_wrong_password(app: App) -> None:
    register(app)
    answers = [
        app.client.post("/login", json={"username": name, "password": "wrong password"}) for name in ("ada", "nobody")
    ]
    assert answers[0].data == answers[1].data
    assert answers[0].headers.to_wsgi_list() == answers[1].headers.to_wsgi_list()


def test_a_hash_of_former_parameters_is_replaced_at_login(make_app: MakeApp, sqlite_url: str) -> None:
    register(make_app(sqlite_url))
    later = make_app(sqlite_url, argon2_time_cost=2)
    log_in(later)

    async def stored() -> str:
        async with later.services.database.read() as session:
            return (await session.scalars(select(UserRow.password_hash))).one()

    assert "t=2" in later.run(stored)
    log_in(later)


def test_roles_are_those_of_the_moment(app: App) -> None:
    assert person(app, "ada", roles=("admin",)).get("/protected/admin").status_code == 200
    refused = person(app, "grace", roles=("editor",)).get("/protected/admin")
    assert refused.status_code == 403
    assert (refused.json["required_roles"], refused.json["held_roles"]) == (["admin"], ["editor"])
