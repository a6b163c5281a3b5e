"""Report words that the project has replaced, each with the word to use instead.

    python tools/words.py

Exits with 1 if one is found. docs/glossary.md defines the words that the project uses.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

CODE = ("api/**/*.py",)
EVERYWHERE = ("api/**/*.py", "tests/**/*.py", "contract_tests/**/*.py", "openapi/**/*.py", "benchmarks/**/*.py")
PAGES = ("*.md", "docs/*.md", "contract_tests/*.md", "openapi/*.md")
SPARED = ("docs/glossary.md", "tests/tools/test_words.py")
"""Files that quote a word on purpose."""


@dataclass(frozen=True)
class Word:
    """A pattern that must not occur in the files that `where` names, and what to write instead."""

    pattern: str
    instead: str
    where: tuple[str, ...]


WORDS = (
    # Names.
    Word(r"(?<![A-Z])(LONGEST|MOST|SHORTEST)_", "MAX_, MIN_, ..._LIMIT or BATCH_SIZE", CODE),
    Word(r"\bHeld", "CachedResponse, LockedUser, LoadedKey or DeferredCommit: `Held` meant four things", CODE),
    Word(r"Tidying|\btidy|\bChore", "Cleanup, CleanupJob, `ostiary cleanup`", (*EVERYWHERE, *PAGES)),
    Word(r"\bLastTimes\b", "LastUsedWriter", CODE),
    Word(r"\.recall\(", "TokenCache.get, cached_principal", CODE),
    Word(r"present_password", "current_password", (*EVERYWHERE, *PAGES, "openapi/openapi.json")),
    # Spelling: one for each part of speech.
    Word(r"(?i)\blog-in\b|\bsign-?in\b", "log in (verb), login (noun)", (*CODE, *PAGES)),
    Word(r"(?i)\blog-out\b|\bsign-?out\b", "log out (verb), logout (noun)", (*CODE, *PAGES)),
    # Prose: words that readers have to read twice.
    Word(r"(?i)\blately\b", "recently; recent authentication (step-up)", PAGES),
    Word(r"(?i)\bmeanwhile\b", "concurrently, or say what happens at the same time", PAGES),
    Word(r"(?i)\bmade\b", "created", PAGES),
    Word(r"(?i)\btold\b", "returned or reported", PAGES),
    Word(
        r"(?i)\bwho lacks\b|\bwhom one\b",
        "a sentence with a subject: `Users without the role get 403`",
        (*CODE, *PAGES),
    ),
)


def found(root: Path, words: Iterable[Word] = WORDS) -> Iterator[str]:
    """Yield a line for each occurrence: file, line number, the word, and what to write instead."""
    for word in words:
        for file in sorted({file for pattern in word.where for file in root.glob(pattern)}):
            name = file.relative_to(root).as_posix()
            if name in SPARED or "/versions/" in name:  # migrations stay as they were released
                continue
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
                for match in re.finditer(word.pattern, line):
                    yield f"{name}:{number}: {match.group()!r}: write {word.instead}"


if __name__ == "__main__":
    lines = list(found(ROOT))
    print("\n".join(lines), end="\n" if lines else "")
    sys.exit(1 if lines else 0)
