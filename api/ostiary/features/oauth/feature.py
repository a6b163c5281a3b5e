"""Introspection and revocation of tokens for other services, and the metadata (RFC 7662, 7009, 8414)."""

from ostiary.feature import Context, Feature
from ostiary.features.accounts.service import Accounts
from ostiary.features.oauth.metadata import Metadata
from ostiary.features.oauth.routes import oauth
from ostiary.features.oauth.service import OAuth
from ostiary.features.sessions.service import Sessions


def _oauth(context: Context) -> OAuth:
    return OAuth(context.get(Sessions), context.get(Accounts), context.settings.effective_issuer)


def _metadata(context: Context) -> Metadata:
    return Metadata(context.settings.effective_issuer)


FEATURE = Feature(name="oauth", services={OAuth: _oauth, Metadata: _metadata}, blueprints=(oauth,))
