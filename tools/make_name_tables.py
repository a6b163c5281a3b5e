"""Make api/ostiary/core/name_tables.txt: which characters look alike, and to which scripts each belongs.

Run it in an environment of its own, since it needs ICU: `pip install icukit-pyicu`, then
`python tools/make_name_tables.py`. ICU has the data of UTS 39 (confusables.txt) and of UAX 24 (ScriptExtensions.txt) of
the Unicode version that it prints. A new table changes skeletons: it needs a migration that makes the stored ones anew,
like 0013.
"""

import sys
import unicodedata
from itertools import groupby
from pathlib import Path

import icu

TARGET = Path(__file__).parents[1] / "api" / "ostiary" / "core" / "name_tables.txt"
SKIPPED = {icu.UCharCategory.SURROGATE, icu.UCharCategory.PRIVATE_USE_CHAR, icu.UCharCategory.UNASSIGNED}
HEAD = """\
# Made by tools/make_name_tables.py from ICU {icu}. Unicode {unicode}
# Data: (c) Unicode, Inc., under the Unicode License v3, https://www.unicode.org/license.txt
"""


def scripts(code: int) -> str:
    """Return the short names of the scripts of a code point, in a fixed order; those that fit any script: empty."""
    if icu.Char.charType(code) in SKIPPED:
        return "?"
    found = sorted(icu.Script(one).getShortName() for one in icu.Script.getScriptExtensions(chr(code)))
    return "" if set(found) & {"Zyyy", "Zinh"} else ",".join(found)


def confusables() -> dict[str, list[str]]:
    """Return the characters that look like another text, by that text. Compatibility characters are left out."""
    checker, nfd, nfkc = icu.SpoofChecker(), icu.Normalizer2.getNFDInstance(), icu.Normalizer2.getNFKCInstance()
    found: dict[str, list[str]] = {}
    for code in range(sys.maxunicode + 1):
        one = chr(code)
        if icu.Char.charType(code) in SKIPPED or nfd.normalize(one) != one or nfkc.normalize(one) != one:
            continue
        if icu.Char.hasBinaryProperty(code, icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT):
            continue
        like = checker.getSkeleton(0, one)
        if like != one:
            found.setdefault(like, []).append(one)
    return found


def coded(text: str) -> str:
    """Return `text` as hexadecimal code points."""
    return " ".join(f"{ord(one):X}" for one in text)


def main() -> None:
    """Write the table."""
    lines = ["@scripts"]
    for named, codes in groupby(range(sys.maxunicode + 1), scripts):
        span = list(codes)
        if named not in {"?", ""}:
            lines.append(f"{span[0]:X}..{span[-1]:X} {named}")
    lines.append("@confusables")
    lines += [f"{coded(like)} < {coded(''.join(them))}" for like, them in sorted(confusables().items())]
    head = HEAD.format(icu=icu.ICU_VERSION, unicode=icu.UNICODE_VERSION)
    TARGET.write_text(head + "\n".join(lines) + "\n", encoding="ascii")
    print(f"{TARGET}: Unicode {icu.UNICODE_VERSION}, {len(lines)} lines; Python has {unicodedata.unidata_version}")


if __name__ == "__main__":
    main()
