"""Files with secrets: made for their owner alone under any umask, and not taken from others."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ostiary.core.private_files import UnsafeFile, check_directory, check_secret, make_directory, make_private, narrow

SOMEBODY = 54321


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def owned_by_another(path: Path) -> Path:
    if os.geteuid() == 0:  # whose files everybody trusts
        os.chown(path, SOMEBODY + 1, SOMEBODY + 1)
    return path


@pytest.mark.usefixtures("umask")
def test_what_is_made_is_for_the_owner_alone_under_any_umask(tmp_path: Path) -> None:
    make_directory(tmp_path / "one" / "two")
    make_private(tmp_path / "one" / "two" / "file")
    assert mode(tmp_path / "one") == mode(tmp_path / "one" / "two") == 0o700
    assert mode(tmp_path / "one" / "two" / "file") == 0o600


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    make_private(tmp_path / "file")
    make_directory(tmp_path)
    assert (tmp_path / "file").read_text() == "content"


@pytest.mark.parametrize("wide", [0o604, 0o640, 0o644, 0o660, 0o666, 0o777])
def test_the_rights_of_others_are_taken_with_a_line(tmp_path: Path, wide: int) -> None:
    file = tmp_path / "ostiary.db"
    file.touch()
    file.chmod(wide)
    with capture_logs() as logs:
        narrow(file, tmp_path / "nothing")
        narrow(file)
    assert mode(file) == wide & 0o700
    assert [(one["log_level"], one["file"], one["mode"]) for one in logs] == [("warning", str(file), f"{wide:04o}")]


def test_where_that_is_not_ours_to_do_there_is_a_line_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ostiary.db"
    file.touch()
    file.chmod(0o644)

    def refused(*_args: object, **_kwargs: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refused)
    with capture_logs() as logs:
        narrow(file)
    (line,) = logs
    assert line["log_level"] == "warning"
    assert f"chmod 600 {file}" in line["remedy"]


@pytest.mark.parametrize("wide", [0o720, 0o702, 0o770, 0o777, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path, wide: int) -> None:
    tmp_path.chmod(wide)
    with pytest.raises(UnsafeFile, match=f"chmod go-w {tmp_path}"):
        check_directory(tmp_path)
    tmp_path.chmod(0o755)
    check_directory(tmp_path)


def test_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = owned_by_another(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    with pytest.raises(UnsafeFile, match=r"belongs to another user.*OSTIARY_DATA_DIR"):
        check_directory(directory)


def test_root_may_use_the_directory_of_another_user_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = owned_by_another(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with capture_logs() as logs:
        check_directory(directory)
    assert [one["log_level"] for one in logs] == (["warning"] if directory.stat().st_uid else [])


@pytest.mark.parametrize("wide", [0o604, 0o640, 0o644, 0o620, 0o602, 0o666])
def test_a_secret_that_others_may_read_or_write_is_refused(tmp_path: Path, wide: int) -> None:
    file = tmp_path / "secret.key"
    file.touch()
    file.chmod(wide)
    with pytest.raises(UnsafeFile, match=rf"mode {wide:04o}.*chmod 600 {file}"):
        check_secret(file)
    file.chmod(0o600)
    check_secret(file)
    file.chmod(0o400)
    check_secret(file)


def test_a_secret_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret.key"
    file.touch(0o600)
    owned_by_another(file)
    if file.stat().st_uid != os.geteuid():  # as root, in a directory of root's own
        with pytest.raises(UnsafeFile, match="belongs to another user"):
            check_secret(file)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    with pytest.raises(UnsafeFile, match="belongs to another user"):
        check_secret(file)
