"""The user's own account: `/me`."""

from ostiary.feature import Context, Feature
from ostiary.features.accounts.service import Accounts
from ostiary.features.actors.service import Actors
from ostiary.features.profile.routes import me
from ostiary.features.profile.service import Profile


def _profile(context: Context) -> Profile:
    return Profile(context.get(Actors), context.get(Accounts))


FEATURE = Feature(name="profile", services={Profile: _profile}, blueprints=(me,))
