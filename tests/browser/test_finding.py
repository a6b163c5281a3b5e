"""The browser: taken where it is, left out where there is none, and missed where one was named."""

from pathlib import Path

import pytest

from tests.support import browser
from tests.support.browser import VARIABLE, NoBrowser, find_browser, is_expected


def test_one_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "browser"
    named.touch()
    monkeypatch.setenv(VARIABLE, str(named))
    assert find_browser() == str(named)


def test_one_that_is_named_and_missing_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    assert is_expected()
    with pytest.raises(NoBrowser, match=VARIABLE):
        find_browser()


def test_without_a_name_the_machine_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() is None
    assert not is_expected()
    found = tmp_path / browser.NAMES[-1]
    found.touch(mode=0o755)
    assert find_browser() == str(found)
