"""Writes on behalf of an actor. Each checks again whether the actor may still act."""

from ostiary.feature import Context, Feature, Rechecks
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import Revocations


def _actors(context: Context) -> Actors:
    # By class: sessions authenticate too, but they need the actors themselves.
    kinds = [kind for feature in context.features for kind in feature.authenticators.values()]
    rechecks = [context.get(kind) for kind in kinds if issubclass(kind, Rechecks)]
    return Actors(context.database, context.get(Revocations), *rechecks)


FEATURE = Feature(name="actors", services={Actors: _actors})
