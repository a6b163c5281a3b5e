"""Roles, their permissions, and the users that hold them."""

from sqlalchemy.ext.asyncio import AsyncSession

from ostiary.feature import Context, Feature
from ostiary.features.actors.service import Actors
from ostiary.features.audit.service import Audit
from ostiary.features.revocation.service import Revocations
from ostiary.features.roles.management import RoleManagement
from ostiary.features.roles.routes import roles
from ostiary.features.roles.service import only_built_in


def _management(context: Context) -> RoleManagement:
    hooks = [feature.before_role_deletion for feature in context.features if feature.before_role_deletion is not None]

    async def before_deletion(session: AsyncSession, role: str) -> None:
        for hook in hooks:
            await hook(session, role)

    return RoleManagement(
        context.database,
        context.get(Actors),
        context.get(Revocations),
        context.get(Audit),
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
