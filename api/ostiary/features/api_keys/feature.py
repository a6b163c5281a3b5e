"""API keys: credentials for programs that act as the user."""

from ostiary.core.api_keys import PREFIX
from ostiary.feature import Context, Feature
from ostiary.features.actors.service import Actors
from ostiary.features.api_keys.bearers import ApiKeyBearers
from ostiary.features.api_keys.routes import api_keys
from ostiary.features.api_keys.service import ApiKeys
from ostiary.features.revocation.service import Revocations
from ostiary.web.guards import API_KEY_SCHEME


def _bearers(context: Context) -> ApiKeyBearers:
    remember = context.settings.access_token_seconds
    return ApiKeyBearers(context.database, context.get(Revocations), context.clock, remember=remember)


def _api_keys(context: Context) -> ApiKeys:
    return ApiKeys(
        context.database,
        context.get(Actors),
        context.get(ApiKeyBearers),
        context.clock,
        context.randomness,
    )


FEATURE = Feature(
    name="api_keys",
    services={ApiKeyBearers: _bearers, ApiKeys: _api_keys},
    blueprints=(api_keys,),
    authenticators={PREFIX: ApiKeyBearers},
    security_schemes={
        API_KEY_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ost_…",
            "description": "An API key from POST /me/api-keys, sent instead of an access token.",
        }
    },
)
