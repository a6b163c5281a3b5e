"""User names: which are allowed (RFC 8265, UTS 39), and which look the same."""

from itertools import combinations

import pytest

from contract_tests.names import accepted
from ostiary.core import names

WELCOME = [
    "abc", "a" * 64, "user@example.org", "O'Brien", "a.b-c_d+e", "Jörg", "Straße", "İstanbul", "Nguyễn", "ａｄａ",
    "Ελένη", "Пётр1", "გიორგი", "Արամ", "ᏣᎳᎩ", "שלום", "أحمد", "محمد_1", "دانيال", "ދިވެހި",
    "हिन्दी", "বাংলা", "ਪੰਜਾਬੀ", "தமிழ்", "ภาษาไทย", "မြန်မာ", "ខ្មែរ", "አማርኛ", "ꦗꦮꦶ",
    "日本語", "たなか太郎", "ラーメン", "東京Tower", "王小明", "王john", "中文ㄅ", "김철수", "金哲洙철수",
]  # fmt: skip
BY_ITSELF = {
    "variation selector 17": "\U000e0100", "unassigned, ignorable": "\U000e0000", "ignorable of plane 14": "\U000e0fff",
    "after the variation selectors": "\U000e01f0", "tag": "\U000e0061", "null notehead": "\U0001d159",
    "musical format": "\U0001d173", "shorthand format": "\U0001bca0", "blank Braille": "\u2800", "variation": "\ufe0f",
    "private": "\ue000", "private of plane 15": "\U000f0000", "private of plane 16": "\U00100000",
    "noncharacter": "\ufdd0", "noncharacter of plane 1": "\U0001fffe", "last noncharacter": "\U0010ffff",
    "unassigned": "\u0378",
    "zero width joiner": "\u200d", "zero width non-joiner": "\u200c", "soft hyphen": "\u00ad",
    "Hangul filler": "\u3164", "half width filler": "\uffa0", "Khmer vowel": "\u17b4", "grapheme joiner": "\u034f",
    "Mongolian separator": "\u180e", "override": "\u202e", "isolate": "\u2066",
    "space": " ", "no-break space": "\u00a0",
    "ideographic space": "\u3000", "line end": "\n", "NUL": "\0", "next line": "\x85", "replacement": "\ufffd",
    "annotation": "\ufff9", "emoji": "\U0001f600", "letter-like": "\u24b6", "ligature": "\ufb01", "old Jamo": "\u1100",
}  # fmt: skip
MIXED = [
    "testо1", "аdmin2", "paуpal", "αlpha", "ѕсоpe", "aदb1", "あbв1", "Пётрα", "한글あ", "a١1", "१1२", "שלוםأ", "jоhn王",
]  # fmt: skip
LOOK_ALIKE = [
    ("paypal", "paypaI"), ("paypal", "paypa1"), ("paypal", "PAYPAL"), ("coco", "сосо"), ("coco", "СОСО"),
    ("abe", "ΑΒΕ"), ("modern", "rnodern"), ("user0", "usero"), ("scope", "ѕсоре"), ("o'brien", "oʼbrien"),
    ("Jose\u0301", "José"), ("ａｄａ", "ada"), ("ada", "ada\ufe0f"), ("ada", "a\u200dda"), ("ada", "ada\U000e0100"),
]  # fmt: skip


@pytest.mark.parametrize("name", WELCOME)
def test_a_name_in_one_script_or_one_language_is_welcome(name: str) -> None:
    assert names.fault(name) is None
    assert names.is_possible(name)


def test_any_printable_ascii_is_welcome_and_so_are_the_names_of_the_contract_tests() -> None:
    for one in map(chr, range(0x21, 0x7F)):
        assert names.fault(f"a{one}1") is names.fault(one * 64) is None, one
    for number in range(200):
        name = accepted(f"{number}\U0001f511")
        assert names.fault(name) is None, name
        assert not name.isascii()


@pytest.mark.parametrize("one", BY_ITSELF.values(), ids=BY_ITSELF)
def test_what_nobody_sees_or_types_is_refused_anywhere_in_a_name(one: str) -> None:
    for name in (f"admin{one}", f"{one}admin", f"ad{one}min", one * 3, one * 64):
        assert names.fault(name) is not None, ascii(name)


@pytest.mark.parametrize("name", MIXED)
def test_scripts_that_no_language_mixes_are_refused(name: str) -> None:
    assert "Mixes" in str(names.fault(name)) or "RFC 8265" in str(names.fault(name))


@pytest.mark.parametrize("name", ["\u0301abc", "\u0301" * 3, "a\u0301\u0301bc", "a\u0301\u0300\u0302\u0303\u0304bc"])
def test_stray_marks_are_refused(name: str) -> None:
    assert "marks" in str(names.fault(name))


@pytest.mark.parametrize("name", ["", "a", "ab", "a" * 65, "ab\u200b", "\U000e0061" * 3])
def test_a_name_has_3_to_64_characters_that_count(name: str) -> None:
    assert names.fault(name) == "Not 3 to 64 characters long."


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKE)
def test_names_that_look_the_same_have_one_skeleton(one: str, other: str) -> None:
    assert names.skeleton(one) == names.skeleton(other)


def test_names_that_look_different_have_skeletons_of_their_own() -> None:
    assert all(
        names.skeleton(one) != names.skeleton(other) for one, other in combinations(WELCOME, 2) if "ａ" not in one
    )


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\u00a0", "\u3000", " \r\n"])
def test_white_space_around_a_name_is_left_out(space: str) -> None:
    assert names.trimmed(f"{space}ada{space}") == names.trimmed(f"ada{space}") == "ada"
    assert names.trimmed(space) == space
