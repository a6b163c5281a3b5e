"""docs/extending.md: its feature works as it stands on the page, and needs no file outside its folder."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.servers import ServerProcess, environment_without_settings, start_process
from tests.support.settings import CHEAP

pytestmark = pytest.mark.uncounted  # a server, and the contract tests in a process of their own

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
FILES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))
MAX_LINES = 120
SETTINGS = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("extending")
    for name, text in FILES.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    command = ["-m", "uvicorn", "--factory", "server:create_app", "--port", "0", "--no-proxy-headers"]
    process = start_process(command, {"OSTIARY_DATA_DIR": str(directory / "data"), **SETTINGS}, directory)
    process.wait_until_ready()
    yield process
    process.stop()


def user(client: httpx.Client, name: str) -> dict[str, str]:
    body = {"username": name, "password": "correct horse battery"}
    assert client.post("/register", json=body).status_code == 201
    return {"Authorization": f"Bearer {client.post('/login', json=body).json()['access_token']}"}


def test_the_page_has_the_three_files_in_few_lines() -> None:
    assert set(FILES) == {"notes.py", "migrations/notes_0001.py", "server.py"}
    assert sum(bool(line.strip()) for text in FILES.values() for line in text.splitlines()) < MAX_LINES


def test_users_have_notes_of_their_own(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url) as client:
        ada, bob = user(client, "ada"), user(client, "bob")
        note = client.post("/notes", json={"text": "Water the plants"}, headers=ada).json()
        assert client.get("/notes", headers=ada).json() == [note]
        assert client.get("/notes", headers=bob).json() == []
        assert client.delete(f"/notes/{note['id']}", headers=bob).json()["code"] == "note_not_found"
        events = client.get("/me/audit-events", headers=ada).json()["events"]
        assert events[0]["type"] == "note.created"
        assert client.delete(f"/notes/{note['id']}", headers=ada).status_code == 204
        assert client.get("/notes", headers=ada).json() == []
        assert client.get("/notes").json()["code"] == "authentication_required"


def test_an_api_key_can_have_its_scope(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url) as client:
        carol = user(client, "carol")
        body = {"name": "robot", "scopes": ["notes:write"], "expires_in_days": 1}
        key = client.post("/me/api-keys", json=body, headers=carol).json()["api_key"]
        assert client.get("/notes", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_the_contract_tests_cover_its_operations(server: ServerProcess, tmp_path: Path) -> None:
    options = ("--max-examples=5", "--report-dir=report", "--", "-k", "every_answer or every_operation")
    ran = subprocess.run(
        [sys.executable, "-m", "ostiary.cli", "contract-test", f"--url={server.url}", *options],
        cwd=tmp_path,
        env=environment_without_settings(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    report = (tmp_path / "report" / "contract.html").read_text()
    for operation in ("GET /notes", "POST /notes", "DELETE /notes/{note_id}"):
        assert operation in report
