"""The word list of `tox -e lint`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as if `directory` were the repository."""
    script = directory / "tools" / "words.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text((ROOT / "tools" / "words.py").read_text())
    return subprocess.run([sys.executable, str(script)], check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("api/ostiary/core/names.py", "LONGEST_NAME = 64", "LONGEST_"),
        ("api/ostiary/core/names.py", "class HeldKey: ...", "Held"),
        ("tests/test_cleanup.py", "class Chore: ...", "Chore"),
        ("openapi/openapi.json", '"present_password"', "present_password"),
        ("docs/sessions.md", "A log-in starts a session.", "log-in"),
        ("docs/sessions.md", "Users who were created meanwhile", "meanwhile"),
        ("README.md", "A user is made.", "made"),
        ("docs/authorization.md", "Who lacks it gets 403.", "Who lacks"),
    ],
)
def test_a_replaced_word_is_reported_with_its_place(tmp_path: Path, name: str, text: str, word: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"first line\n{text}\n")
    ran = run(tmp_path)
    assert ran.returncode == 1
    assert ran.stdout.startswith(f"{name}:2: {word!r}: write ")
    assert ran.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("api/ostiary/core/names.py", "MAX_NAME_LENGTH = 64; ALMOST_ = 1  # held, upheld"),
        ("api/ostiary/persistence/migrations/versions/0001.py", "class Tidying: ..."),
        ("docs/glossary.md", "Not: log-in"),
        ("docs/sessions.md", "Log in. A login starts a session. The latency is plately."),
    ],
)
def test_other_words_are_not_reported(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    ran = run(tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "")
