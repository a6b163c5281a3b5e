"""HTTP Basic as OAuth has it."""

import base64

import pytest

from tests.conftest import App
from tests.support.clients import basic, new_client
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
    client, secret = app.run(app.services.clients.create, "a service")
    moved = basic(f"{client.client_id}:{secret[:4]}", secret[4:])
    assert ask(app, moved["Authorization"]) == (401, "invalid_client")


def test_authentication_comes_before_the_body_is_looked_at(app: App) -> None:
    assert app.client.post("/oauth/revoke", data=b"\xff" * 100_000, content_type="x").status_code == 401
