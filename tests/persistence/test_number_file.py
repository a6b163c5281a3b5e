"""The number that processes share."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.persistence.number_file import NumberFile


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    path = tmp_path / "ostiary.db"
    path.touch(0o640)
    return path


@pytest.fixture
def number(tmp_path: Path, beside: Path) -> Iterator[NumberFile]:
    made = NumberFile(tmp_path / "ostiary.db-feed", beside)
    yield made
    made.close()


def test_there_is_none_before_one_is_set(number: NumberFile) -> None:
    assert number.get() is None


@pytest.mark.parametrize("value", [0, 1, 255, 256, 2**63])
def test_it_is_what_was_set_last(number: NumberFile, value: int) -> None:
    number.set(7)
    assert number.get() == 7
    number.set(value)
    assert number.get() == value
    number.close()
    assert number.get() == value


def test_another_process_sees_it_at_once(number: NumberFile, tmp_path: Path, beside: Path) -> None:
    number.set(1)
    assert number.get() == 1
    setting = f"NumberFile(Path({str(tmp_path / 'ostiary.db-feed')!r}), Path({str(beside)!r})).set(2)"
    imports = "from pathlib import Path; from ostiary.persistence.number_file import NumberFile"
    subprocess.run([sys.executable, "-c", f"{imports}; {setting}"], check=True)
    assert number.get() == 2


def test_the_file_is_as_accessible_as_the_one_beside(number: NumberFile, tmp_path: Path, beside: Path) -> None:
    beside.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(beside, 12345, 12346)
    number.set(1)
    made, like = (tmp_path / "ostiary.db-feed").stat(), beside.stat()
    assert (made.st_mode, made.st_uid, made.st_gid) == (like.st_mode, like.st_uid, like.st_gid)


def test_what_is_no_number_is_none(number: NumberFile, tmp_path: Path) -> None:
    (tmp_path / "ostiary.db-feed").write_bytes(b"1234")
    assert number.get() is None


def test_what_cannot_be_written_is_an_error(number: NumberFile, tmp_path: Path) -> None:
    (tmp_path / "ostiary.db-feed").mkdir()
    assert number.get() is None
    with pytest.raises(IsADirectoryError):
        number.set(1)
