"""What the audit trail says of signing keys: each change once, and nothing that did not happen."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.feature import Context
from ostiary.features.audit.service import Audit
from ostiary.features.keys.models import SigningKeyRow
from ostiary.features.keys.rotation import KeyRefused, KeyRotation
from ostiary.features.keys.service import Keys
from ostiary.persistence.transaction import Transaction
from tests.conftest import App, MakeApp
from tests.features.keys.test_rotation import published, retire, rotate, signer, states
from tests.support.people import Person, log_in, person, register
from tests.support.rivals import rivals_of
from tests.support.settings import environment_of, settings_for
from tests.support.trail import done_by, events, told
from tests.test_cli import ostiary

BY_OPERATOR = (None, None, "", "ostiary command", "")
BY_SERVER = (None, None, "", "ostiary server", "")
Change = Callable[[Context], Awaitable[object]]


def trail(app: App) -> list[tuple[str, str]]:
    """What happened to which key."""
    return [(kind.removeprefix("signing_key."), details["kid"]) for kind, details in told(app, "signing_key")]


def together(app: App, changes: list[Change]) -> list[object]:
    """Make the changes at once, each as a process of its own would; return what each got, exceptions included."""

    async def race() -> list[object]:
        async with rivals_of(app, len(changes)) as rivals:
            tasks = (change(rival) for change, rival in zip(changes, rivals, strict=True))
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(race())


def test_the_first_key_is_told_as_the_servers_own_doing(app: App) -> None:
    app.run(app.services.start)
    (kid,) = published(app)
    assert told(app, "signing_key") == [
        ("signing_key.added", {"kid": kid, "signs_from": "2026-11-23T12:00:00+00:00"}),
    ]
    (event,) = events(app, "signing_key")
    assert done_by(event) == BY_SERVER


def test_a_first_key_that_many_make_at_once_is_told_once(app: App) -> None:
    rings = together(app, [lambda services: services.get(Keys).ring()] * 4)
    (kid,) = published(app)
    assert [list(ring) for ring in rings] == [[kid]] * 4
    assert trail(app) == [("added", kid)]


def test_keys_that_somebody_has_deleted_are_told_to_be_made_anew(app: App, make_app: MakeApp) -> None:
    """Whoever does so in the database leaves a trace: the server's own doing, where an operator's would be."""
    person(app)
    first = signer(app)

    async def drop(tx: Transaction) -> None:
        await tx.session.execute(delete(SigningKeyRow))

    app.run(app.services.database.write, drop)
    (second,) = published(make_app(app.settings.database_url))
    assert trail(app) == [("added", first), ("added", second)]
    assert done_by(events(app, "signing_key")[-1]) == BY_SERVER


@pytest.mark.parametrize(
    ("at_once", "signs_from"), [(False, "2026-11-23T12:05:10+00:00"), (True, "2026-11-23T12:00:01+00:00")]
)
def test_a_rotation_is_told_with_the_moment_from_which_the_key_signs(app: App, at_once: bool, signs_from: str) -> None:
    person(app)
    first = signer(app)
    second = rotate(app, at_once=at_once)
    assert trail(app) == [("added", first), ("added", second)]
    assert told(app, "signing_key")[-1][1] == {"kid": second, "signs_from": signs_from}
    assert done_by(events(app, "signing_key")[-1]) == BY_OPERATOR


def test_a_rotation_on_a_fresh_database_is_told_as_the_operators(app: App) -> None:
    kid = rotate(app)
    assert told(app, "signing_key") == [("signing_key.added", {"kid": kid, "signs_from": "2026-11-23T12:00:00+00:00"})]
    assert done_by(events(app, "signing_key")[0]) == BY_OPERATOR


def test_a_retirement_is_told(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app, at_once=True)
    retire(app, first)
    assert trail(app) == [("added", first), ("added", second), ("retired", first)]
    assert told(app, "signing_key")[-1] == ("signing_key.retired", {"kid": first})
    assert done_by(events(app, "signing_key")[-1]) == BY_OPERATOR


def test_a_rotation_that_is_taken_back_is_told(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app)
    retire(app, second)
    assert trail(app) == [("added", first), ("added", second), ("retired", second)]


def test_a_key_that_an_emergency_overtakes_is_told_to_be_gone(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app)
    third = rotate(app, at_once=True)
    assert trail(app) == [("added", first), ("added", second), ("retired", second), ("added", third)]


def test_what_was_refused_is_not_told(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app)
    before = trail(app)
    for refused in ("nobody", first):
        with pytest.raises(KeyRefused):
            retire(app, refused)
    with pytest.raises(KeyRefused, match="under way"):
        rotate(app)
    assert trail(app) == before == [("added", first), ("added", second)]


@pytest.mark.parametrize(
    "change",
    [lambda app, _: rotate(app, at_once=True), retire],
    ids=["rotate", "retire"],
)
def test_what_cannot_be_told_does_not_happen(
    app: App, monkeypatch: pytest.MonkeyPatch, change: Callable[[App, str], object]
) -> None:
    """The event is the last thing in the transaction of the change: neither is without the other."""
    person(app)
    second = rotate(app)
    before, keys = trail(app), states(app)

    async def away(*_: object) -> None:
        raise DATABASE_UNAVAILABLE()

    with monkeypatch.context() as patch:
        patch.setattr(app.services.get(Audit), "_append", away)
        with pytest.raises(Problem, match="database_unavailable"):
            change(app, second)
    assert (trail(app), states(app)) == (before, keys)


def test_a_former_key_that_has_had_its_time_goes_without_an_event(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app)
    app.clock.move(310 + 900 + 10)
    assert states(app) == {second: "signs"}
    assert trail(app) == [("added", first), ("added", second)]


def test_of_rotations_at_once_the_one_that_succeeds_is_told(app: App) -> None:
    person(app)
    first = signer(app)
    found = together(app, [lambda services: services.get(KeyRotation).rotate()] * 4)
    assert sum(isinstance(one, KeyRefused) for one in found) == 3
    (second,) = [one.kid for one in found if not isinstance(one, BaseException)]
    assert trail(app) == [("added", first), ("added", second)]


def test_emergencies_at_once_leave_a_trail_that_tells_the_keys(app: App) -> None:
    person(app)
    first = signer(app)
    found = together(app, [lambda services: services.get(KeyRotation).rotate(sign_after=timedelta(0))] * 4)
    told_by_commands = {one.kid for one in found}
    kinds: dict[str, list[str]] = {"added": [], "retired": []}
    for kind, kid in trail(app):
        kinds[kind].append(kid)
    assert sorted(kinds["added"]) == sorted({first, *told_by_commands})
    assert len(kinds["retired"]) == len(set(kinds["retired"])) == 3
    assert set(states(app)) == set(kinds["added"]) - set(kinds["retired"])


def test_retirements_of_one_key_at_once_are_told_once(app: App) -> None:
    person(app)
    first = signer(app)
    second = rotate(app, at_once=True)
    found = together(app, [lambda services: services.get(KeyRotation).retire(first)] * 4)
    assert sum(isinstance(one, KeyRefused) for one in found) == 3
    assert trail(app) == [("added", first), ("added", second), ("retired", first)]


def of_keys(someone: Person, path: str) -> list[str]:
    answer = someone.get(path)
    assert answer.status_code == 200, answer.text
    return [event["type"] for event in answer.json["events"] if event["type"].startswith("signing_key.")]


def test_administrators_see_it_and_nobody_else(app: App) -> None:
    register(app, "boss", ("admin",))
    register(app)
    first = signer(app)
    rotate(app, at_once=True)
    retire(app, first)
    boss, ada = log_in(app, "boss"), log_in(app)
    assert of_keys(boss, "/audit-events") == ["signing_key.retired", "signing_key.added", "signing_key.added"]
    (event,) = boss.get("/audit-events?type=signing_key.retired").json["events"]
    assert (event["user_id"], event["actor_id"], event["details"]) == (None, None, {"kid": first})
    for somebody in (boss, ada):
        assert of_keys(somebody, "/me/audit-events") == []


@pytest.mark.usefixtures("_logging_restored")
def test_the_commands_are_told_and_the_trail_verifies(make_app: MakeApp, database_url: str, tmp_path: Path) -> None:
    environment = environment_of(settings_for(database_url, tmp_path))
    first = ostiary("keys", "rotate", env=environment).stdout.split()[0]
    assert ostiary("keys", "retire", first, env=environment).exit_code == 1
    second = ostiary("keys", "rotate", "--now", env=environment).stdout.split()[0]
    assert ostiary("keys", "list", env=environment).exit_code == 0
    assert ostiary("keys", "retire", first, env=environment).exit_code == 0
    assert ostiary("keys", "retire", "nobody", env=environment).exit_code == 1
    app = make_app(database_url)
    assert trail(app) == [("added", first), ("added", second), ("retired", first)]
    assert [done_by(event) for event in events(app, "signing_key")] == [BY_OPERATOR] * 3
    verified = ostiary("audit", "verify", env=environment)
    assert (verified.exit_code, verified.stdout.split(";")[0]) == (0, "3 events fit")
