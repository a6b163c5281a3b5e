"""The Unicode tables for checking names: scripts, and characters that look alike (UTS 39, UAX 24).

They are in name_tables.txt, which tools/make_name_tables.py generates. Python's unicodedata has neither table.
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path

_FILE = Path(__file__).with_name("name_tables.txt")

ANY = frozenset({"any"})
"""The scripts of a character that belongs to no particular script, such as a digit or a full stop."""
_WRITTEN_WITH = {
    "Hani": ("Jpan", "Kore", "Hanb"),
    "Hira": ("Jpan",),
    "Kana": ("Jpan",),
    "Hang": ("Kore",),
    "Bopo": ("Hanb",),
}
"""For each script, the writing systems that combine it with others (UTS 39 section 5.1)."""


def load() -> None:
    """Read the tables. Otherwise the first look-up reads them."""
    _script_ranges()
    looks_like()


def scripts_of(character: str) -> frozenset[str]:
    """Return the scripts and writing systems of `character`; ANY if it fits all of them."""
    first, last, scripts = _script_ranges()
    code = ord(character)
    place = bisect_right(first, code) - 1
    return scripts[place] if place >= 0 and code <= last[place] else ANY


@cache
def looks_like() -> dict[str, str]:
    """Return the prototype of each character that looks like another text (UTS 39 section 4)."""
    found: dict[str, str] = {}
    for line in _section("@confusables"):
        prototype, _, characters = line.partition(" < ")
        found |= dict.fromkeys(_text(characters), _text(prototype))
    return found


@cache
def _script_ranges() -> tuple[list[int], list[int], list[frozenset[str]]]:
    known: dict[str, frozenset[str]] = {}
    first, last, scripts = [], [], []
    for line in _section("@scripts"):
        span, _, names = line.partition(" ")
        begin, _, end = span.partition("..")
        if names not in known:
            own = names.split(",")
            known[names] = frozenset([*own, *(more for one in own for more in _WRITTEN_WITH.get(one, ()))])
        first.append(int(begin, 16))
        last.append(int(end, 16))
        scripts.append(known[names])
    return first, last, scripts


def _section(title: str) -> Iterator[str]:
    lines = iter(_FILE.read_text(encoding="ascii").splitlines())
    for line in lines:
        if line == title:
            break
    return takewhile(lambda line: not line.startswith("@"), lines)


def _text(codes: str) -> str:
    return "".join(chr(int(code, 16)) for code in codes.split(" "))
