"""Each credential, and each other opaque value, has exactly one spelling."""

import base64
import re
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.conftest import App
from tests.features.admin.conftest import Desk
from tests.support.clients import new_client
from tests.support.people import Person, person

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass
class Credentials:
    """What Authorization holds for each kind of caller, and a call that each may make."""

    app: App
    user: Person
    values: dict[str, str]

    def call(self, kind: str, value: str) -> TestResponse:
        # Raw bytes of the field, as a server gives them to WSGI: as Latin-1.
        environ = {"HTTP_AUTHORIZATION": value}
        if kind == "basic":
            return self.app.client.post("/oauth/introspect", data={"token": "x"}, environ_overrides=environ)
        return self.app.client.get("/protected", environ_overrides=environ)

    def status(self, kind: str, value: str) -> int:
        return self.call(kind, value).status_code


@pytest.fixture
def credentials(sqlite_app: App) -> Credentials:
    user = person(sqlite_app)
    key = user.post("/me/api-keys", json={"name": "robot", "scopes": []}).json["api_key"]
    values = {
        "token": user.bearer["Authorization"],
        "key": f"Bearer {key}",
        "basic": new_client(sqlite_app)["Authorization"],
    }
    return Credentials(sqlite_app, user, values)


KINDS = ("token", "key", "basic")


def test_space_and_tab_around_it_and_the_case_of_the_scheme_do_not_matter(credentials: Credentials) -> None:
    for kind, value in credentials.values.items():
        scheme, _, secret = value.partition(" ")
        for same in (f" {scheme} {secret}\t", f"\t{scheme.upper()}   {secret} ", f"{scheme.lower()} {secret}"):
            assert credentials.status(kind, same) == 200


CHARACTERS = ["\xa0", "\x85", "\x1c", "\x1f", "\x0b", "\x0c", "\xc2\xa0", "\x00"]
PLACES = ["{s} {c}{t}", "{s} {t}{c}", "{c}{s} {t}", "{s}{c}{t}", "{s}{c} {t}"]


def test_no_other_character_around_it_is_passed_over(credentials: Credentials) -> None:
    for kind, value in credentials.values.items():
        scheme, _, secret = value.partition(" ")
        for character, place in product(CHARACTERS, PLACES):
            other = place.format(s=scheme, c=character, t=secret)
            assert credentials.status(kind, other) == 401, repr(other)
        assert credentials.status(kind, f"{scheme}\t{secret}") == 401


def _same(value: str, other: str) -> bool:
    """Whether two values are the same by RFC 9110: white space around, case of the scheme, spaces after it."""

    def plain(text: str) -> str:
        found = re.fullmatch(r"([A-Za-z]+) +(\S+)", text.strip(" \t"), re.ASCII)
        return text if found is None else f"{found[1].lower()} {found[2]}"

    return plain(value) == plain(other)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_any_mutation_is_refused(credentials: Credentials, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    value = credentials.values[kind]
    place = data.draw(st.integers(0, len(value)))
    removed = data.draw(st.integers(0, 2))
    put = data.draw(st.text(st.characters(max_codepoint=255), max_size=2) | st.sampled_from(["=", "==", "+", "/", "."]))
    mutated = value[:place] + put + value[place + removed :]
    if not _same(mutated, value):
        assert credentials.status(kind, mutated) == 401, repr(mutated)


def test_a_token_in_plain_base64_is_refused(sqlite_app: App) -> None:
    for number in range(20):
        user = person(sqlite_app, f"user-{number}")
        token = user.tokens["access_token"]
        other = token.replace("-", "+").replace("_", "/")
        answer = sqlite_app.client.get("/protected", headers={"Authorization": f"Bearer {other}"})
        assert answer.status_code == (200 if other == token else 401)
        refused = sqlite_app.client.post("/oauth/introspect", data={"token": other}, headers=new_client(sqlite_app))
        assert refused.json["active"] is (other == token)
        if other != token:
            return
    raise AssertionError("no token had a character that differs")


def test_bits_behind_the_last_byte_of_a_part_are_refused(credentials: Credentials) -> None:
    parts = credentials.values["token"].removeprefix("Bearer ").split(".")
    for part, character in product(range(3), ALPHABET):
        changed = [*parts]
        changed[part] = changed[part][:-1] + character
        if changed != parts:
            assert credentials.status("token", f"Bearer {'.'.join(changed)}") == 401


def test_basic_has_one_base64(credentials: Credentials) -> None:
    encoded = credentials.values["basic"].removeprefix("Basic ")
    bare = encoded.rstrip("=")
    others = [f"{bare}A", f"{encoded}=", f"{encoded[:8]}\n{encoded[8:]}", f"{encoded[:8]} {encoded[8:]}"]
    others += [bare] if bare != encoded else []
    for other in others:
        assert credentials.status("basic", f"Basic {other}") == 401


def test_basic_with_bits_behind_its_last_byte_is_refused(credentials: Credentials) -> None:
    pair = base64.b64decode(credentials.values["basic"].removeprefix("Basic ")).decode()
    client_id, _, secret = pair.partition(":")
    # Escaping one letter or none of the id makes lengths of which one leaves bits over.
    escaped = [f"{''.join(f'%{ord(one):02X}' for one in client_id[:n])}{client_id[n:]}:{secret}" for n in range(3)]
    seen = 0
    for text in escaped:
        encoded = base64.b64encode(text.encode()).decode()
        assert credentials.status("basic", f"Basic {encoded}") == 200
        bare = encoded.rstrip("=")
        for character in ALPHABET.replace("-", "+").replace("_", "/"):
            other = bare[:-1] + character + encoded[len(bare) :]
            if other != encoded and base64.b64decode(other) == text.encode():
                seen += 1
                assert credentials.status("basic", f"Basic {other}") == 401
    assert seen or all(len(text) % 3 == 0 for text in escaped)


PAIRS = ["a\0:b", "a:b\n", "a%00:b", "a:%0D%0A", "a:b\x7f", "%C2%85:b", "a:%", "a%zz:b", "é:b"]


def test_basic_takes_no_control_characters_and_no_broken_escapes(app: App) -> None:
    for pair in PAIRS:
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        answer = app.client.post("/oauth/introspect", data={"token": "x"}, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_client")


@pytest.mark.parametrize("character", ["\xa0", "\x85", "\x1f"])
def test_versions_content_types_and_keys_are_surrounded_by_nothing_else(sqlite_app: App, character: str) -> None:
    user = person(sqlite_app)

    def change(**environ: str) -> int:
        answer = sqlite_app.client.patch(
            "/me", json={"username": "ada"}, headers=user.bearer, environ_overrides=environ
        )
        return answer.status_code

    assert change(HTTP_IF_MATCH=" * ") == 200
    assert change(HTTP_IF_MATCH=f"{character}*") == 412
    assert change(HTTP_IF_MATCH=f"*{character}") == 412
    assert change(CONTENT_TYPE=f"application/json{character}") == 415
    assert change(CONTENT_TYPE=f"application/json;{character}charset=utf-8") == 415
    assert change(HTTP_CONTENT_ENCODING=f"identity{character}") == 415

    def read(known: str) -> int:
        environ = {"HTTP_IF_NONE_MATCH": known}
        return sqlite_app.client.get("/me", headers=user.bearer, environ_overrides=environ).status_code

    etag = user.get("/me").headers["ETag"]
    assert (read(f" W/{etag} "), read("*"), read(f'"x", {etag}')) == (304, 304, 304)
    assert (read(f"*{character}"), read(f"{character}{etag}"), read(f"x{etag}")) == (200, 200, 200)

    environ = {"HTTP_IDEMPOTENCY_KEY": f"{character}key"}
    body = {"username": "grace", "password": "correct horse battery"}
    answer = sqlite_app.client.post("/register", json=body, environ_overrides=environ)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_malformed")


def test_a_cursor_has_one_spelling(sqlite_app: App) -> None:
    desk = Desk(person(sqlite_app, "root", ("admin",)))
    for name in ("ada", "grace", "edsger"):
        desk.create(name)
    for sort in ("created_at", "username"):
        cursor = desk.get("/users", limit=1, sort=sort).json["next_cursor"]
        assert desk.get("/users", limit=1, sort=sort, cursor=cursor).status_code == 200
        decoded = base64.urlsafe_b64decode(cursor + "==")
        spaced = decoded.replace(b",", b", ")
        others = [
            f"{cursor}=",
            f"{cursor}==",
            *(cursor[:-1] + character for character in ALPHABET),
            base64.urlsafe_b64encode(spaced).rstrip(b"=").decode(),
            base64.urlsafe_b64encode(decoded + b" ").rstrip(b"=").decode(),
            base64.urlsafe_b64encode(decoded.decode().encode("utf-16")).rstrip(b"=").decode(),
        ]
        for other in others:
            if other != cursor:
                assert desk.get("/users", limit=1, sort=sort, cursor=other).status_code in (404, 422)
