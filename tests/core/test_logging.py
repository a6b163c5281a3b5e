"""Logging: one line a record, as people or as JSON; no secret by its name, no local variable in a traceback."""

import json
import logging

import pytest
import structlog

from ostiary.core.logging import REDACTED, configure

SECRET = "s3cr3t-value-of-a-local-variable"
FORMS = ["console", "json"]


@pytest.fixture(autouse=True)
def _restored(_logging_restored: None) -> None: ...


def fail() -> None:
    password = SECRET
    raise ValueError(f"a value of {len(password)} characters is wrong")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "name", ["password", "new_Password", "access_token", "SECRET_KEY", "Authorization", "set_cookie", "private_key"]
)
def test_a_field_that_is_named_like_a_secret_is_redacted(
    form: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("info", form)  # type: ignore[arg-type]
    structlog.stdlib.get_logger("tests").info("something", **{name: SECRET}, username="user1")
    logging.getLogger("tests").warning("something of the standard library's", extra={name: SECRET})
    told = capsys.readouterr().err
    assert SECRET not in told
    assert REDACTED in told
    assert "user1" in told


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("library", ["structlog", "logging"])
def test_a_traceback_comes_without_local_variables(form: str, library: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", form)  # type: ignore[arg-type]
    log = structlog.stdlib.get_logger("tests") if library == "structlog" else logging.getLogger("tests")
    try:
        fail()
    except ValueError as error:
        log.error("it failed", exc_info=error)
        log.exception("it failed")
    told = capsys.readouterr().err
    assert told.count("is wrong") >= 2
    assert "ValueError" in told
    assert SECRET not in told


def test_json_is_one_object_a_line_with_what_a_collector_needs(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    structlog.stdlib.get_logger("tests.a").info("from structlog\nin two lines", count=3)
    logging.getLogger("tests.b").warning("from the %s", "standard library")
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (first["event"], first["level"], first["logger"], first["count"]) == (
        "from structlog\nin two lines",
        "info",
        "tests.a",
        3,
    )
    assert (second["event"], second["level"], second["logger"]) == ("from the standard library", "warning", "tests.b")
    assert first["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_below_the_level_is_left_out(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning", form)  # type: ignore[arg-type]
    structlog.stdlib.get_logger("tests").info("left out")
    structlog.stdlib.get_logger("tests").warning("written")
    told = capsys.readouterr().err
    assert "left out" not in told
    assert "written" in told


def test_the_drivers_tell_no_statements_even_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug", "console")
    for name in ("sqlalchemy.engine.Engine", "sqlalchemy.pool", "aiosqlite", "asyncio"):
        logging.getLogger(name).info("SELECT of a hash")
    assert capsys.readouterr().err == ""


def test_what_is_bound_to_the_context_goes_into_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    with structlog.contextvars.bound_contextvars(request_id="r1", token=SECRET):
        structlog.stdlib.get_logger("tests").info("within")
    told = json.loads(capsys.readouterr().err)
    assert (told["request_id"], told["token"]) == ("r1", REDACTED)
