"""Operations on the audit trail."""

from typing import Any

from api.core.problems import DATABASE_UNAVAILABLE
from api.core.scopes import AUDIT_READ, ME_READ
from api.features.audit.reading import AuditTrail, Wanted
from api.features.audit.schemas import AuditEventPage, AuditQuery
from api.web.blueprint import Blueprint, answers
from api.web.guards import principal, requires
from api.web.pages import PageQuery, cursor
from api.web.provide import provided

audit = Blueprint("admin", __name__, description="What administrators do.")


@audit.route("/me/audit-events", tags=["me"])
@requires(scope=ME_READ)
@audit.query(PageQuery())
@audit.response(200, AuditEventPage, description="A page of events.")
@answers(DATABASE_UNAVAILABLE)
@audit.doc(operationId="listMyAuditEvents")
async def list_my_audit_events(query: dict[str, Any]) -> dict[str, Any]:
    """List what has happened to the own account.

    The newest first, with what others have done to it. Nothing is ever left out or changed.
    """
    return await _page(Wanted(user_id=principal().user_id), query["limit"], query.get("cursor"))


@audit.route("/audit-events")
@requires(scope=AUDIT_READ)
@audit.query(AuditQuery())
@audit.response(200, AuditEventPage, description="A page of events.")
@answers(DATABASE_UNAVAILABLE)
@audit.doc(operationId="listAuditEvents")
async def list_audit_events(query: dict[str, Any]) -> dict[str, Any]:
    """List what has happened to all accounts.

    The newest first; all filters that are given have to fit. Events outlive the users whom they concern.
    """
    return await _page(
        Wanted(**{name: value for name, value in query.items() if name not in ("limit", "cursor")}),
        query["limit"],
        query.get("cursor"),
    )


async def _page(wanted: Wanted, limit: int, before: int | None) -> dict[str, Any]:
    events, following = await provided(AuditTrail).page(wanted, limit, before)
    return {"events": events} | ({} if following is None else {"next_cursor": cursor(following)})
