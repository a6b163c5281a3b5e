"""Programs that a machine lacks are left out of the tests, but not where they must be."""

import pytest

from tests.support.programs import VARIABLE, program


def test_a_program_is_found_on_the_path() -> None:
    assert program("sh").endswith("/sh")


def test_a_missing_program_leaves_its_tests_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-proxy"):
        program("no-such-proxy")


def test_a_missing_program_fails_where_it_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-proxy"):
        program("no-such-proxy")
