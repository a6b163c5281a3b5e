"""Which key signs, and how long each key verifies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from ostiary.core.access_tokens import MAX_CLOCK_SKEW

JWKS_MAX_AGE = 300
"""Seconds for which others can cache the published keys."""
PUBLISHED_AHEAD = timedelta(seconds=JWKS_MAX_AGE + MAX_CLOCK_SKEW)
"""Seconds for which a new key is published before it signs, so that all caches have it."""
VERIFIERS_COOLDOWN = timedelta(seconds=30)
"""Seconds for which verifiers do not fetch the keys again: the default of PyJWT's PyJWKClient and of jose."""
HEARD_OF_WITHIN = timedelta(seconds=1)
"""Seconds after which every worker knows a change, or knows that it is out of touch and queries the database."""


class Timed(Protocol):
    """A key, with the times when it starts to sign and when its publication ends."""

    @property
    def kid(self) -> str:
        """Its id."""
        ...

    @property
    def activates_at(self) -> datetime:
        """When it starts to sign, unless a later key signs."""
        ...

    @property
    def retires_at(self) -> datetime | None:
        """When its publication ends; None if not known yet."""
        ...


T = TypeVar("T", bound=Timed)


def is_published(key: Timed, now: datetime) -> bool:
    """Return whether tokens of `key` may still be valid, or soon are."""
    return key.retires_at is None or now < key.retires_at


def signing(keys: Sequence[T], now: datetime) -> T | None:
    """Return the key that signs: the one activated last.

    If none is active yet, for example because the clock is behind, the first one to become active. None without keys.
    """
    published = [key for key in keys if is_published(key, now)]
    active = [key for key in published if key.activates_at <= now]
    if active:
        return max(active, key=lambda key: (key.activates_at, key.kid))
    return min(published, key=lambda key: (key.activates_at, key.kid), default=None)


def last_use(activates_at: datetime, token_seconds: int) -> datetime:
    """Return when the last token has expired of a key whose successor signs from `activates_at` on."""
    return activates_at + timedelta(seconds=token_seconds + MAX_CLOCK_SKEW)
