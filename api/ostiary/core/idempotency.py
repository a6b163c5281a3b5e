"""Idempotency keys: their syntax and problem types (draft-ietf-httpapi-idempotency-key-header-07)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.problems import ProblemType

MAX_KEY_LENGTH = 128
"""Maximum length of a key."""

_BARE = r"[!#-\[\]-~]"
_QUOTED = r'(?:[ !#-\[\]-~]|\\["\\])'

PATTERN = rf'^(?:{_BARE}{{1,{MAX_KEY_LENGTH}}}|"{_QUOTED}{{1,{MAX_KEY_LENGTH}}}")$'
"""A key in the header: a String of RFC 9651, as in the draft, or the same without quotes."""

_WRITTEN = re.compile(PATTERN.removeprefix("^").removesuffix("$"))
_ESCAPED = re.compile(r'\\(["\\])')

IDEMPOTENCY_KEY_MALFORMED = ProblemType(
    code="idempotency_key_malformed",
    status=400,
    title="The idempotency key is malformed",
    detail="The Idempotency-Key header is not one valid key.",
    remedy='Send one key of 1 to 128 printable ASCII characters, as in Idempotency-Key: "8e03978e-40d5-43dd-bc93".',
)
IDEMPOTENCY_KEY_IN_USE = ProblemType(
    code="idempotency_key_in_use",
    status=409,
    title="A request with this idempotency key is in progress",
    detail="The first request with this Idempotency-Key is still in progress.",
    remedy=(
        "Send the same request again after the number of seconds in Retry-After. It then returns the first response."
    ),
    retry_after=1,
)
IDEMPOTENCY_KEY_REUSED = ProblemType(
    code="idempotency_key_reused",
    status=422,
    title="The idempotency key belongs to another request",
    detail="This Idempotency-Key was already used for a request with another body.",
    remedy="Use a new random key, such as a UUID, for each request that is not a repetition.",
)


@dataclass(frozen=True)
class Asked:
    """A request with a key.

    operation: method and path. caller: the id of the calling user; empty for public operations. body: in a canonical
    form, so that equal values have equal bytes.
    """

    operation: str
    caller: str
    key: str
    body: bytes


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that is stored for repetitions: status, headers of the content, and content."""

    status: int
    headers: Mapping[str, str]
    body: str


def read_key(written: str) -> str:
    """Return the key in a header's value, quoted or not; raises the problem `idempotency_key_malformed`."""
    if not _WRITTEN.fullmatch(written):
        raise IDEMPOTENCY_KEY_MALFORMED()
    return _ESCAPED.sub(r"\1", written[1:-1]) if written.startswith('"') else written
