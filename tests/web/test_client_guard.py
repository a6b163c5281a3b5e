"""HTTP Basic as OAuth has it."""

import base64

import pytest
from werkzeug.test import TestResponse

from ostiary.features.clients.service import Clients
from ostiary.web.form_body import INVALID_REQUEST
from ostiary.web.problem_format import OAUTH_JSON
from tests.conftest import App
from tests.support.clients import FORM, basic, new_client
from tests.support.people import person


def ask(app: App, authorization: str | None) -> tuple[int, str | None]:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = app.client.post("/oauth/introspect", data={"token": "x"}, headers=headers)
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="ostiary", charset="UTF-8"'
        assert answer.json["error"] == answer.json["code"] == "invalid_client"
    return answer.status_code, answer.json.get("code")


def encoded(pair: str | bytes) -> str:
    return base64.b64encode(pair.encode() if isinstance(pair, str) else pair).decode()


@pytest.fixture
def good(sqlite_app: App) -> str:
    return new_client(sqlite_app)["Authorization"].removeprefix("Basic ")


def test_a_client_is_let_in(app: App) -> None:
    assert ask(app, new_client(app)["Authorization"]) == (200, None)


@pytest.mark.parametrize("form", ["Basic {}", "basic {}", "BASIC {}", "Basic  {}", " Basic {} "])
def test_the_scheme_is_read_in_any_case_and_spaces_do_not_matter(sqlite_app: App, good: str, form: str) -> None:
    assert ask(sqlite_app, form.format(good)) == (200, None)


def test_what_was_form_urlencoded_is_decoded(sqlite_app: App, good: str) -> None:
    """A client library may encode whatever it likes, the hyphens of an id included (RFC 6749 appendix B)."""
    client_id, _, secret = base64.b64decode(good).decode().partition(":")
    everything = ":".join("".join(f"%{ord(letter):02X}" for letter in part) for part in (client_id, secret))
    assert ask(sqlite_app, f"Basic {encoded(everything)}") == (200, None)


def test_a_token_is_no_client(app: App) -> None:
    assert ask(app, person(app).bearer["Authorization"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "mangle",
    [
        lambda good: good,
        lambda good: f"Bearer {good}",
        lambda _: None,
        lambda _: "",
        lambda _: "Basic",
        lambda _: "Basic ",
        lambda good: f"Basic {good[:-4]}",
        lambda good: f"Basic {good[1:]}",
        lambda good: f"Basic {good}, Basic {good}",
        lambda good: f"Basic {good} {good}",
        lambda good: f"Basic {good}!",
        lambda good: f"Basic {good.swapcase()}",
        lambda _: "Basic \xe9\xe9\xe9\xe9",
        lambda _: f"Basic {encoded(bytes([0xFF, 0xFE, 58, 0xFF]))}",
        lambda _: f"Basic {encoded('no colon')}",
        lambda _: f"Basic {encoded(':')}",
        lambda _: f"Basic {encoded('%ff:%ff')}",
        lambda _: f"Basic {encoded('%zz:%')}",
        lambda _: f"Basic {encoded(chr(0) + ':' + chr(0))}",
        lambda _: f"Basic {encoded(bytes(30_000))}",
        lambda good: f"Basic {encoded(base64.b64decode(good).decode().upper())}",
        lambda good: f"Basic {encoded(base64.b64decode(good).decode() + ' ')}",
        lambda good: f"Basic {encoded(base64.b64decode(good).decode().partition(':')[0] + ':')}",
        lambda good: f"Basic {encoded(':' + base64.b64decode(good).decode().partition(':')[2])}",
    ],
)
def test_anything_else_is_refused(sqlite_app: App, good: str, mangle) -> None:
    assert ask(sqlite_app, mangle(good)) == (401, "invalid_client")


def test_an_id_and_a_secret_that_are_moved_across_the_colon_are_another_pair(app: App) -> None:
    client, secret = app.run(app.services.get(Clients).create, "a service")
    moved = basic(f"{client.client_id}:{secret[:4]}", secret[4:])
    assert ask(app, moved["Authorization"]) == (401, "invalid_client")


def test_authentication_comes_before_the_body_is_looked_at(app: App) -> None:
    assert app.client.post("/oauth/revoke", data=b"\xff" * 100_000, content_type="x").status_code == 401


def post(app: App, **form: str) -> TestResponse:
    return app.client.post("/oauth/introspect", data={"token": "x", **form})


@pytest.fixture
def pair(sqlite_app: App) -> dict[str, str]:
    client, secret = sqlite_app.run(sqlite_app.services.get(Clients).create, "a service")
    return {"client_id": client.client_id, "client_secret": secret}


def test_a_client_may_authenticate_in_the_form(sqlite_app: App, pair: dict[str, str]) -> None:
    """RFC 6749 section 2.3.1, `client_secret_post`."""
    assert post(sqlite_app, **pair).json == {"active": False}


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": ""},
        {"client_secret": "osc_nonsense"},
        {"client_id": ""},
        {"client_id": "nobody"},
        {"client_id": "x" * 5000},
        {"client_id": "\0"},
    ],
)
def test_wrong_credentials_in_the_form_are_refused(
    sqlite_app: App, pair: dict[str, str], change: dict[str, str]
) -> None:
    answer = post(sqlite_app, **{**pair, **change})
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_credentials_that_come_twice_in_the_form_are_refused(sqlite_app: App, pair: dict[str, str]) -> None:
    data = f"token=x&client_id={pair['client_id']}&client_secret=a&client_secret={pair['client_secret']}"
    answer = sqlite_app.client.post("/oauth/introspect", data=data, content_type=FORM)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_credentials_in_another_body_than_a_form_are_not_read(sqlite_app: App, pair: dict[str, str]) -> None:
    assert sqlite_app.client.post("/oauth/introspect", json={"token": "x", **pair}).status_code == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (("client_id", "client_secret"), 400),
        (("client_secret",), 400),
        (("client_id",), 200),
        ((), 200),
    ],
)
def test_a_client_authenticates_in_one_way(
    sqlite_app: App, pair: dict[str, str], form: tuple[str, ...], status: int
) -> None:
    """RFC 6749 section 2.3. The id alone does not authenticate; many clients send it anyway (section 3.2.1)."""
    headers = basic(pair["client_id"], pair["client_secret"])
    data = {"token": "x", **{name: pair[name] for name in form}}
    answer = sqlite_app.client.post("/oauth/introspect", data=data, headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json["error"] == "invalid_request"


def test_another_id_in_the_form_than_in_the_header_is_refused(sqlite_app: App, pair: dict[str, str]) -> None:
    headers = basic(pair["client_id"], pair["client_secret"])
    answer = sqlite_app.client.post("/oauth/introspect", data={"token": "x", "client_id": "other"}, headers=headers)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_header_decides_alone(sqlite_app: App, pair: dict[str, str]) -> None:
    for value in ("", "Bearer x", "Basic x"):
        headers = {"Authorization": value}
        answer = sqlite_app.client.post("/oauth/introspect", data={"token": "x", **pair}, headers=headers)
        assert answer.status_code == 401


def test_a_description_has_the_characters_that_oauth_allows() -> None:
    """RFC 6749 section 5.2: no quotation mark, no backslash, nothing beyond ASCII."""
    body = OAUTH_JSON.body(INVALID_REQUEST('a "quoted" \\ \u00e9\n' + "x" * 600))
    assert body["error_description"] == "a ?quoted? ? ??" + "x" * 497
    assert body["detail"].startswith('a "quoted"')
