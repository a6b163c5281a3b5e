"""The keys that sign access tokens, their publication and rotation."""

from ostiary.feature import Context, Feature
from ostiary.features.keys.commands import keys as commands
from ostiary.features.keys.rotation import KeyRotation
from ostiary.features.keys.routes import keys
from ostiary.features.keys.service import Keys
from ostiary.features.revocation.service import Revocations


def _keys(context: Context) -> Keys:
    return Keys(
        context.database,
        context.get(Revocations),
        context.settings.secret_key,
        context.clock,
        context.randomness,
    )


def _rotation(context: Context) -> KeyRotation:
    return KeyRotation(
        context.database,
        context.get(Revocations),
        context.settings.secret_key,
        context.clock,
        context.randomness,
        token_seconds=context.settings.access_token_seconds,
    )


FEATURE = Feature(
    name="keys",
    services={Keys: _keys, KeyRotation: _rotation},
    blueprints=(keys,),
    commands=(commands,),
    kept_on_reset=("signing_keys",),
)
