"""At the limit of open files a request is refused for the moment; it is no fault of the program."""

import errno

import pytest
import structlog

from ostiary.features.sessions.login import Logins
from tests.conftest import App, MakeApp


def raised_by_an_import(code: int) -> Exception:
    try:
        try:
            raise OSError(code, "Too many open files")
        except OSError as cause:
            raise ImportError("a library could not be loaded") from cause
    except ImportError as error:
        return error


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("make", [lambda code: OSError(code, "Too many open files"), raised_by_an_import])
def test_it_is_answered_503(sqlite_app: App, monkeypatch: pytest.MonkeyPatch, code: int, make) -> None:
    async def log_in(*_args: object) -> None:
        raise make(code)

    monkeypatch.setattr(type(sqlite_app.services.get(Logins)), "with_password", log_in)
    with structlog.testing.capture_logs() as logs:
        answer = sqlite_app.client.post("/login", json={"username": "ada", "password": "correct horse battery"})
    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert [entry["event"] for entry in logs] == ["too many open files; raise the limit (ulimit -n)"]


def test_other_faults_of_the_system_are_faults(
    make_app: MakeApp, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(sqlite_url, contract_checks="off")

    async def log_in(*_args: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(type(app.services.get(Logins)), "with_password", log_in)
    answer = app.client.post("/login", json={"username": "ada", "password": "correct horse battery"})
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
