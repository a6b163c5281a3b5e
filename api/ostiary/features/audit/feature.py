"""The audit trail: who did what."""

from ostiary.feature import Context, Feature
from ostiary.features.audit.commands import audit as commands
from ostiary.features.audit.reading import AuditTrail
from ostiary.features.audit.routes import audit
from ostiary.features.audit.schemas import list_types
from ostiary.features.audit.service import Audit


def _audit(context: Context) -> Audit:
    return Audit(context.settings.secret_key, context.clock, context.randomness)


def _trail(context: Context) -> AuditTrail:
    return AuditTrail(context.database)


FEATURE = Feature(
    name="audit",
    services={Audit: _audit, AuditTrail: _trail},
    blueprints=(audit,),
    recorder=Audit,
    contract=(list_types,),
    commands=(commands,),
    kept_on_reset=("audit_events",),
)
