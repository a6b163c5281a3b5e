"""Idempotency keys: requests that are safe to repeat."""

from collections.abc import Iterable

from flask import Flask

from ostiary.feature import Context, Feature
from ostiary.features.idempotency.cleanup import IdempotencyCleanup
from ostiary.features.idempotency.service import Idempotency
from ostiary.persistence.cleanup import CleanupJob
from ostiary.web import idempotency


def _idempotency(context: Context) -> Idempotency:
    settings = context.settings
    return Idempotency(
        context.database, settings.secret_key, context.clock, context.randomness, settings.idempotency_seconds
    )


def _cleanup(context: Context) -> Iterable[CleanupJob]:
    return (IdempotencyCleanup(context.clock).expired_keys,)


def _install(app: Flask, context: Context) -> None:
    idempotency.install(app, context.get(Idempotency))


FEATURE = Feature(name="idempotency", services={Idempotency: _idempotency}, cleanup=_cleanup, install=_install)
