"""Rotation: published before it signs, followed by every worker, gone when nothing of it can be valid."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from sqlalchemy import select

from ostiary.features.keys.models import SigningKeyRow
from ostiary.features.keys.rotation import KeyRefused, KeyRotation, KeyState
from tests.conftest import App, MakeApp
from tests.support.people import log_in, person, refresh
from tests.support.settings import environment_of, settings_for
from tests.test_cli import ostiary

LIFETIME = 900
LEEWAY = 10


def rotate(app: App, *, at_once: bool = False) -> str:
    async def run() -> str:
        return (await app.services.get(KeyRotation).rotate(sign_after=timedelta(0) if at_once else None)).kid

    kid = app.run(run)
    if at_once:
        app.clock.move(1)
    return kid


def retire(app: App, kid: str) -> None:
    app.run(app.services.get(KeyRotation).retire, kid)


def published(app: App) -> list[str]:
    return [key["kid"] for key in app.client.get("/.well-known/jwks.json").json["keys"]]


def states(app: App) -> dict[str, str]:
    return {key.kid: key.state for key in app.run(app.services.get(KeyRotation).known)}


def signer(app: App) -> str:
    return jwt.get_unverified_header(log_in(app).tokens["access_token"])["kid"]


@pytest.fixture
def both(make_app: MakeApp, database_url: str) -> Iterator[tuple[App, App]]:
    """Two workers on one database."""
    app, other = make_app(database_url), make_app(database_url)
    app.run(app.services.start)
    other.run(other.services.start)
    return app, other


def test_a_new_key_is_published_at_once_and_signs_when_everybody_has_it(both: tuple[App, App]) -> None:
    app, other = both
    person(app)
    first = signer(app)
    second = rotate(app)
    for worker in both:
        assert published(worker) == sorted([first, second])
        assert signer(worker) == first
    app.clock.move(309)
    assert signer(other) == first
    app.clock.move(1)
    assert signer(other) == signer(app) == second


def test_no_valid_token_is_refused_and_the_former_key_goes_by_itself(both: tuple[App, App]) -> None:
    app, other = both
    ada = person(app)
    first = signer(app)
    second = rotate(app)
    app.clock.move(309)
    last = log_in(app)
    assert jwt.get_unverified_header(last.tokens["access_token"])["kid"] == first
    app.clock.move(1 + LIFETIME - 2)
    for worker in both:
        assert worker.client.get("/protected", headers=last.bearer).status_code == 200
    app.clock.move(LEEWAY + 1)
    assert published(app) == published(other) == sorted([first, second])
    app.clock.move(1)
    assert published(app) == published(other) == [second]
    assert states(app) == {second: "signs"}
    assert refresh(app, ada.tokens["refresh_token"]).status_code == 200


def test_a_key_is_published_for_as_long_as_asked_before_it_signs(both: tuple[App, App]) -> None:
    app, other = both
    person(app)
    first = signer(app)

    async def publish() -> KeyState:
        return await app.services.get(KeyRotation).rotate(sign_after=timedelta(seconds=35))

    second = app.run(publish).kid
    assert published(other) == sorted([first, second])
    app.clock.move(34)
    assert signer(other) == first
    app.clock.move(1)
    assert signer(other) == second


def test_in_an_emergency_it_signs_at_once_and_every_worker_knows_it(both: tuple[App, App]) -> None:
    app, other = both
    before = person(app)
    second = rotate(app, at_once=True)
    after = log_in(other)
    assert jwt.get_unverified_header(after.tokens["access_token"])["kid"] == second
    for worker in both:
        for somebody in (before, after):
            assert worker.client.get("/protected", headers=somebody.bearer).status_code == 200


def test_what_a_retired_key_has_signed_is_refused_at_the_next_request(both: tuple[App, App]) -> None:
    app, other = both
    before = person(app)
    for worker in both:  # remembered by each
        assert worker.client.get("/protected", headers=before.bearer).status_code == 200
    first = signer(app)
    second = rotate(app, at_once=True)
    after = log_in(app)
    retire(app, first)
    for worker in (other, app):
        assert worker.client.get("/protected", headers=before.bearer).json["code"] == "invalid_token"
        assert worker.client.get("/protected", headers=after.bearer).status_code == 200
        assert published(worker) == [second]
    assert refresh(other, before.tokens["refresh_token"]).status_code == 200


def test_the_key_that_signs_cannot_be_retired(app: App) -> None:
    person(app)
    first = signer(app)
    with pytest.raises(KeyRefused, match="rotate --now"):
        retire(app, first)
    rotate(app)
    with pytest.raises(KeyRefused, match="rotate --now"):
        retire(app, first)


def test_retiring_the_next_key_takes_the_rotation_back(app: App) -> None:
    person(app)
    first = signer(app)
    retire(app, rotate(app))
    assert states(app) == {first: "signs"}
    app.clock.move(LIFETIME * 10)
    assert signer(app) == first
    assert published(app) == [first]
    rotate(app)


def test_a_second_rotation_waits_for_the_first_unless_it_is_an_emergency(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app)
    with pytest.raises(KeyRefused, match=second):
        rotate(app)
    third = rotate(app, at_once=True)
    assert states(app) == {first: "former", third: "signs"}
    assert signer(app) == third
    app.clock.move(310)
    assert signer(app) == third


def test_a_rotation_on_a_fresh_database_makes_the_first_key(app: App) -> None:
    kid = rotate(app)
    assert states(app) == {kid: "signs"}
    person(app)
    assert signer(app) == kid


def test_a_worker_whose_clock_is_behind_signs_all_the_same(app: App) -> None:
    person(app)
    first = signer(app)
    rotate(app, at_once=True)
    retire(app, first)
    app.clock.move(-30)
    assert signer(app)


def test_a_key_that_nobody_knows_is_refused(app: App) -> None:
    with pytest.raises(KeyRefused, match="no key 'x'"):
        retire(app, "x")


@pytest.mark.usefixtures("_logging_restored")
def test_the_command_line_rotates_lists_and_retires(database_url: str, tmp_path: Path) -> None:
    environment = environment_of(settings_for(database_url, tmp_path))
    first = ostiary("keys", "rotate", env=environment).stdout.split()[0]
    assert re.fullmatch(rf"{first}  \S+ \S+  signs\n", ostiary("keys", "list", env=environment).stdout)
    refused = ostiary("keys", "retire", first, env=environment)
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        1,
        f"ostiary: key {first} signs; let another do so first: ostiary keys rotate --now",
    )
    second, _, state = ostiary("keys", "rotate", "--now", env=environment).stdout.partition("  ")
    assert state == "signs\n"
    lines = ostiary("keys", "list", env=environment).stdout.splitlines()
    assert [line.split("  ")[2].split(" ")[0] for line in lines] == ["verifies", "signs"]
    retired = ostiary("keys", "retire", first, env=environment)
    assert (retired.exit_code, retired.stdout) == (0, f"Retired {first}\n")
    assert ostiary("keys", "list", env=environment).stdout.startswith(second)
    third = ostiary("keys", "rotate", env=environment)
    assert "published, signs from 20" in third.stdout


@pytest.mark.usefixtures("_logging_restored")
def test_the_command_line_says_what_verifiers_do_and_publishes_first_if_told(database_url: str, tmp_path: Path) -> None:
    environment = environment_of(settings_for(database_url, tmp_path))
    assert ostiary("keys", "rotate", env=environment).exit_code == 0
    hasty = ostiary("keys", "rotate", "--now", env=environment)
    assert "refuse tokens of the new key" in hasty.stderr
    assert "wait 30 seconds" in hasty.stderr
    assert "ostiary keys rotate --sign-after 35" in hasty.stderr
    patient = ostiary("keys", "rotate", "--sign-after", "35", env=environment)
    assert "published, signs from 20" in patient.stdout
    assert "refuse tokens" not in patient.stderr
    both_ways = ostiary("keys", "rotate", "--now", "--sign-after", "35", env=environment)
    assert (both_ways.exit_code, "not both" in both_ways.stderr) == (2, True)


@pytest.mark.usefixtures("_logging_restored")
def test_after_the_secret_is_lost_the_server_says_so_in_a_line_and_the_way_out_works(
    database_url: str, tmp_path: Path
) -> None:
    environment = environment_of(settings_for(database_url, tmp_path))
    kid = ostiary("keys", "rotate", env=environment).stdout.split()[0]
    changed = environment | {"OSTIARY_SECRET_KEY": "quite another secret, also long enough", "OSTIARY_PORT": "0"}
    for workers in ("1", "2"):
        result = ostiary("serve", "--workers", workers, env=changed)
        assert result.exit_code == 1
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("ostiary: ")]
        assert line.startswith(f"ostiary: signing key {kid} cannot be opened")
        assert "Traceback" not in result.output
    assert "CANNOT BE OPENED" in ostiary("keys", "list", env=changed).stdout
    assert ostiary("keys", "rotate", "--now", env=changed).exit_code == 0
    assert ostiary("keys", "retire", kid, env=changed).exit_code == 0
    assert "CANNOT" not in ostiary("keys", "list", env=changed).stdout


def test_rows_of_keys_that_have_ended_are_deleted(app: App) -> None:
    person(app)
    rotate(app)
    app.clock.move(310 + LIFETIME + LEEWAY)
    second = rotate(app)

    async def rows() -> list[str]:
        async with app.services.database.read() as session:
            return list(await session.scalars(select(SigningKeyRow.kid)))

    assert len(app.run(rows)) == 2
    assert second in app.run(rows)
