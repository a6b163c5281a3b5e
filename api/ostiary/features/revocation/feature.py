"""The revocation feed: revoked credentials, known to every worker before the next request."""

from collections.abc import Iterable

from ostiary.feature import Context, Feature
from ostiary.features.revocation.cleanup import RevocationCleanup
from ostiary.features.revocation.service import Revocations
from ostiary.persistence.cleanup import CleanupJob
from ostiary.persistence.postgres_address import PostgresAddress


def _revocations(context: Context) -> Revocations:
    settings = context.settings
    direct = settings.database_listen_url
    return Revocations(
        context.database,
        context.clock,
        context.randomness,
        lifetime=settings.access_token_seconds,
        strict=settings.revocation_strict,
        listen=PostgresAddress(direct, float(settings.database_timeout)) if direct else None,
    )


def _cleanup(context: Context) -> Iterable[CleanupJob]:
    return (RevocationCleanup(context.clock).expired_entries,)


async def _after_reset(context: Context) -> None:
    await context.get(Revocations).revoke_everyone()


FEATURE = Feature(
    name="revocation",
    services={Revocations: _revocations},
    cleanup=_cleanup,
    kept_on_reset=("revocations", "feed_identity"),
    after_reset=_after_reset,
)
