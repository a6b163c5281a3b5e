"""Idempotency keys: their form and their problems (draft-ietf-httpapi-idempotency-key-header-07)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.problems import ProblemType

MAX_KEY_LENGTH = 128
"""Characters of a key."""

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
    detail="The header Idempotency-Key holds something else than one key.",
    remedy='Send one key of 1 to 128 printable ASCII characters, as in Idempotency-Key: "8e03978e-40d5-43dd-bc93".',
)
IDEMPOTENCY_KEY_IN_USE = ProblemType(
    code="idempotency_key_in_use",
    status=409,
    title="A request under this idempotency key is under way",
    detail="The first request under this Idempotency-Key has not been answered yet.",
    remedy="Send the same request again after the seconds in Retry-After: it gets the first one's answer.",
    retry_after=1,
)
IDEMPOTENCY_KEY_REUSED = ProblemType(
    code="idempotency_key_reused",
    status=422,
    title="The idempotency key belongs to another request",
    detail="This Idempotency-Key has been used for a request with another body.",
    remedy="Take a new random key, such as a UUID, for each request that is not a repetition of one before.",
)


@dataclass(frozen=True)
class Asked:
    """A request under a key.

    operation: method and path. caller: the id of the calling user; empty for a public operation. body: in a canonical
    form, so that the same values are the same bytes.
    """

    operation: str
    caller: str
    key: str
    body: bytes


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that is kept for repeated requests: its status, its content, and the headers of the content."""

    status: int
    headers: Mapping[str, str]
    body: str


def read_key(written: str) -> str:
    """Return the key in a header's value, quoted or not; raises the problem `idempotency_key_malformed`."""
    if not _WRITTEN.fullmatch(written):
        raise IDEMPOTENCY_KEY_MALFORMED()
    return _ESCAPED.sub(r"\1", written[1:-1]) if written.startswith('"') else written
