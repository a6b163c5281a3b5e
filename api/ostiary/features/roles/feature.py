"""Roles, their permissions and their holders."""

from ostiary.feature import Context, Feature
from ostiary.features.actors.service import Actors
from ostiary.features.roles.management import RoleManagement
from ostiary.features.roles.routes import roles
from ostiary.features.roles.service import only_built_in
from ostiary.persistence.transaction import Transaction


def _management(context: Context) -> RoleManagement:
    hooks = [feature.before_role_deletion for feature in context.features if feature.before_role_deletion is not None]

    async def before_deletion(tx: Transaction, role: str) -> None:
        for hook in hooks:
            await hook(tx, role)

    return RoleManagement(
        context.database,
        context.get(Actors),
        context.clock,
        before_deletion,
    )


async def _after_reset(context: Context) -> None:
    await context.database.write(only_built_in)


FEATURE = Feature(
    name="roles",
    services={RoleManagement: _management},
    blueprints=(roles,),
    kept_on_reset=("roles",),
    after_reset=_after_reset,
)
