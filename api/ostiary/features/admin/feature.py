"""Users, for administrators."""

from ostiary.feature import Context, Feature
from ostiary.features.accounts.service import Accounts
from ostiary.features.actors.service import Actors
from ostiary.features.admin.routes import admin
from ostiary.features.admin.service import Administration
from ostiary.features.sessions.management import SessionManagement


def _administration(context: Context) -> Administration:
    return Administration(
        context.database,
        context.get(Actors),
        context.get(Accounts),
        context.get(SessionManagement),
        context.clock,
    )


FEATURE = Feature(name="admin", services={Administration: _administration}, blueprints=(admin,))
