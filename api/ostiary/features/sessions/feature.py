"""Sessions: log in, refresh tokens, log out."""

from collections.abc import Iterable

from flask import Flask
from sqlalchemy.util.concurrency import in_greenlet

from ostiary.core.access_tokens import AccessTokens
from ostiary.core.step_up import StepUp
from ostiary.feature import Context, Feature
from ostiary.features.accounts.service import Accounts
from ostiary.features.actors.service import Actors
from ostiary.features.keys.service import Keys
from ostiary.features.revocation.service import Revocations
from ostiary.features.sessions.cleanup import SessionCleanup
from ostiary.features.sessions.commands import sessions as commands
from ostiary.features.sessions.issuing import TokenIssuer
from ostiary.features.sessions.login import Logins
from ostiary.features.sessions.management import SessionManagement
from ostiary.features.sessions.rotation import Rotation
from ostiary.features.sessions.routes import sessions
from ostiary.features.sessions.service import Sessions
from ostiary.persistence.cleanup import CleanupJob
from ostiary.web import guards


def _access_tokens(context: Context) -> AccessTokens:
    settings = context.settings
    issuer = settings.effective_issuer
    return AccessTokens(issuer, settings.audience or issuer, settings.access_token_seconds, context.clock)


def _rotation(context: Context) -> Rotation:
    settings = context.settings
    return Rotation(
        context.clock,
        context.randomness,
        idle=settings.refresh_token_idle_seconds,
        grace=settings.refresh_grace_seconds,
    )


def _issuer(context: Context) -> TokenIssuer:
    return TokenIssuer(
        context.get(Keys),
        context.get(AccessTokens),
        context.get(Rotation),
        context.clock,
        context.randomness,
        lifetime=context.settings.session_seconds,
    )


def _logins(context: Context) -> Logins:
    stages = [stage for feature in context.features for stage in feature.login_stages(context)]
    issuer = context.get(TokenIssuer)
    return Logins(context.database, context.get(Accounts), issuer, context.clock, context.randomness, stages)


def _sessions(context: Context) -> Sessions:
    return Sessions(
        context.database,
        context.get(Actors),
        context.get(Accounts),
        context.get(Keys),
        context.get(AccessTokens),
        context.get(Rotation),
        context.get(TokenIssuer),
        context.get(Revocations),
        context.clock,
    )


def _management(context: Context) -> SessionManagement:
    return SessionManagement(
        context.database,
        context.get(Actors),
        context.get(Accounts),
        context.get(Sessions),
        context.get(Revocations),
        context.clock,
    )


def _step_up(context: Context) -> StepUp:
    settings = context.settings
    return StepUp(context.clock, fresh=settings.fresh_login_seconds, session=settings.session_seconds)


def _cleanup(context: Context) -> Iterable[CleanupJob]:
    cleanup = SessionCleanup(context.clock)
    return cleanup.expired_logins, cleanup.expired_tokens, cleanup.expired_sessions, cleanup.ended_sessions


def _install(app: Flask, context: Context) -> None:
    guards.install(app, guards.Guard(context.authenticators(), context.get(StepUp), in_greenlet))


FEATURE = Feature(
    name="sessions",
    services={
        AccessTokens: _access_tokens,
        Rotation: _rotation,
        TokenIssuer: _issuer,
        Logins: _logins,
        Sessions: _sessions,
        SessionManagement: _management,
        StepUp: _step_up,
    },
    blueprints=(sessions,),
    authenticators={"": Sessions},
    cleanup=_cleanup,
    install=_install,
    security_schemes={
        guards.BEARER_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": (
                "An access token from POST /login or POST /refresh (RFC 6750, RFC 9068). Services that verify it "
                "must follow RFC 8725: accept only ES256, and check `typ`, `iss`, `aud` and `exp`."
            ),
        }
    },
    commands=(commands,),
)
