"""Operations on the audit trail."""

from typing import Any

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.scopes import AUDIT_READ, ME_READ
from ostiary.features.audit.reading import AuditTrail, EventFilter
from ostiary.features.audit.schemas import AuditEventPage, AuditQuery
from ostiary.web import pages
from ostiary.web.blueprint import Blueprint, WithHeaders, answers
from ostiary.web.guards import principal, requires
from ostiary.web.pages import PAGE_NOT_FOUND, PageQuery, page_answer, position_of
from ostiary.web.provide import provided

ORDER = "newest first"
"""The sort order that cursors of these lists name."""

audit = Blueprint("audit", __name__)


@audit.route("/me/audit-events", tags=["me"])
@requires(scope=ME_READ)
@audit.query(PageQuery())
@audit.response(200, AuditEventPage, headers=pages.HEADERS, description="A page of events.")
@answers(PAGE_NOT_FOUND, DATABASE_UNAVAILABLE)
@audit.doc(operationId="listMyAuditEvents")
async def list_my_audit_events(query: dict[str, Any]) -> WithHeaders:
    """List the audit events of your account.

    The newest events come first. They include what other users did to your account. Events are never changed or
    removed.
    """
    return await _page(EventFilter(user_id=principal().user_id), query)


@audit.route("/audit-events", tags=["admin"])
@requires(scope=AUDIT_READ)
@audit.query(AuditQuery())
@audit.response(200, AuditEventPage, headers=pages.HEADERS, description="A page of events.")
@answers(PAGE_NOT_FOUND, DATABASE_UNAVAILABLE)
@audit.doc(operationId="listAuditEvents")
async def list_audit_events(query: dict[str, Any]) -> WithHeaders:
    """List the audit events of all users.

    The newest events come first. An event must match all given filters. The events of deleted users are kept.
    """
    return await _page(
        EventFilter(**{name: value for name, value in query.items() if name not in ("limit", "cursor")}), query
    )


async def _page(wanted: EventFilter, query: dict[str, Any]) -> WithHeaders:
    page = await provided(AuditTrail).page(wanted, query["limit"], position_of(query["cursor"], ORDER, int))
    return page_answer(page, "events", ORDER)
