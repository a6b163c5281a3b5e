"""Lets generated user names be names: no schema tells which scripts are written together (UTS 39), or what looks alike.

A case that is to be accepted has a name that its pattern takes, which is more than a server may take: where it is not
ASCII, a word of some script stands for it. White space around a name is left out, though the pattern takes none: a case
that is to be refused has it within.
"""

from typing import Any
from zlib import crc32

from schemathesis import Case, HookContext
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER, hook

NAMING = ("POST /register", "PATCH /me", "POST /users", "PATCH /users/{user_id}")
"""The operations that give a user a name."""
WORDS = (
    *("Jörg", "Ελένη", "Пётр", "გიორგი", "Արամ", "שלום", "أحمد", "हिन्दी", "ภาษาไทย", "தமிழ்"),
    *("日本語", "たなか太郎", "王小明", "김철수", "東京Tower", "አማርኛ"),
)


def accepted(name: str) -> str:
    """Return a name that is to be accepted in place of `name`, which fits the pattern; the same one for the same."""
    if name.isascii():
        return name
    number = crc32(name.encode(errors="surrogatepass"))
    return f"{WORDS[number % len(WORDS)]}{number}"


def refused(name: str) -> str:
    """Return a name that is to be refused in place of `name`, which the pattern does not take."""
    bare = name.strip()
    return name if bare == name else f"{bare[:1]} {bare[1:]}"


def before_call(_context: HookContext, case: Case, _kwargs: Any) -> None:
    """Replace the name in the body, if there is one."""
    if case.operation.label not in NAMING or case.meta is None or not isinstance(case.body, dict):
        return
    name = case.body.get("username")
    if isinstance(name, str):
        replace = accepted if case.meta.generation.mode.is_positive else refused
        case.body = {**case.body, "username": replace(name)}


def install() -> None:
    """Let every case of this process go through `before_call`; see `idempotency`."""
    if before_call not in GLOBAL_HOOK_DISPATCHER.get_all_by_name(before_call.__name__):
        hook(before_call)
