"""Operations on all users. They need permissions."""

from typing import Any

from flask import Response, url_for

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.scopes import USERS_READ, USERS_WRITE
from ostiary.features.accounts.problems import (
    EMAIL_TAKEN,
    LAST_ADMINISTRATOR,
    PASSWORD_TOO_COMMON,
    USER_NOT_FOUND,
    USERNAME_TAKEN,
)
from ostiary.features.accounts.schemas import ID, User
from ostiary.features.accounts.store import UserFilter
from ostiary.features.admin.schemas import (
    NewUserBody,
    RolesBody,
    UserChangesBody,
    UserPage,
    UserQuery,
    UserSessionsEnded,
)
from ostiary.features.admin.service import Administration, Changes
from ostiary.features.roles.problems import BEYOND_OWN_PERMISSIONS, UNKNOWN_ROLE
from ostiary.web import etags, pages
from ostiary.web.admission import hashes
from ostiary.web.blueprint import Blueprint, WithHeaders, answers, no_content
from ostiary.web.etags import changes_version, condition, if_changed, shows_version, with_etag
from ostiary.web.guards import actor, requires
from ostiary.web.idempotency import idempotent
from ostiary.web.pages import PAGE_NOT_FOUND, page_answer, position_of
from ostiary.web.provide import provided, request_info

admin = Blueprint(
    "admin",
    __name__,
    description="Manage users and roles, and read the audit trail. These operations need permissions.",
)

USER = {
    "in": "path",
    "name": "user_id",
    "required": True,
    "description": "The id of the user, as listed by GET /users.",
    "schema": {"type": "string", "format": "uuid"},
    "example": ID["example"],
}
_SAME = {"user_id": "$response.body#/id"}
_SAME_VERSION = {**_SAME, "header.If-Match": "$response.header.ETag"}
READ = {"operationId": "getUser", "description": "Read the user.", "parameters": _SAME}
AFTER_CHANGE = {
    "user": READ,
    "update": {"operationId": "updateUser", "description": "Change the user.", "parameters": _SAME_VERSION},
    "roles": {"operationId": "setUserRoles", "description": "Set the roles of the user.", "parameters": _SAME_VERSION},
    "sessions": {"operationId": "endUserSessions", "description": "Log the user out.", "parameters": _SAME},
    "delete": {"operationId": "deleteUser", "description": "Delete the user.", "parameters": _SAME_VERSION},
}


@admin.route("/users")
@requires(scope=USERS_READ)
@admin.query(UserQuery())
@admin.response(200, UserPage, headers=pages.HEADERS, description="A page of users.")
@answers(PAGE_NOT_FOUND, DATABASE_UNAVAILABLE)
@admin.doc(operationId="listUsers")
async def list_users(query: dict[str, Any]) -> WithHeaders:
    """List users.

    Returns one page. To get the next page, send `next_cursor` as `cursor`, or follow the `Link` header. Concurrent
    creations and deletions never skip or repeat other users.
    """
    after = position_of(query["cursor"], query["sort"], str)
    disabled = None if query["disabled"] is None else query["disabled"] == "true"
    wanted = UserFilter(query["sort"], query["role"], disabled, query["search"])
    return page_answer(await provided(Administration).page(wanted, query["limit"], after), "users", query["sort"])


@admin.route("/users", methods=["POST"])
@requires(scope=USERS_WRITE)
@hashes
@admin.arguments(
    NewUserBody(), example={"username": "user2", "password": "password123", "email": "user2@example.org", "roles": []}
)
@idempotent
@admin.response(
    201,
    User,
    headers={**etags.HEADERS, "Location": {"$ref": "#/components/headers/Location"}},
    description="The user is created.",
)
@answers(
    USERNAME_TAKEN,
    EMAIL_TAKEN,
    UNKNOWN_ROLE,
    PASSWORD_TOO_COMMON,
    BEYOND_OWN_PERMISSIONS,
    DATABASE_UNAVAILABLE,
)
@admin.doc(operationId="createUser", responses={201: {"links": AFTER_CHANGE}})
async def create_user(body: dict[str, Any]) -> WithHeaders:
    """Create a user.

    Callers can assign only roles that they hold. With `roles:grant` they can also assign other roles, as long as these
    give no permission that the caller does not have. API keys cannot assign roles.
    """
    account = await provided(Administration).create(
        actor(), body["username"], body["password"], body.get("email"), body.get("roles", []), request_info()
    )
    return with_etag(account, Location=url_for("admin.get_user", user_id=account.id))


@admin.route("/users/<user_id>", parameters=[USER])
@requires(scope=USERS_READ)
@admin.response(200, User, headers=etags.HEADERS, description="The user.")
@answers(USER_NOT_FOUND, DATABASE_UNAVAILABLE)
@shows_version
@admin.doc(operationId="getUser")
async def get_user(user_id: str) -> Any:
    """Read a user.

    To change the user, send the returned ETag in the If-Match header.
    """
    return if_changed(await provided(Administration).get(user_id))


@admin.route("/users/<user_id>", methods=["PATCH"], parameters=[USER])
@requires(scope=USERS_WRITE)
@admin.arguments(UserChangesBody(), example={"disabled": False})
@admin.response(200, User, headers=etags.HEADERS, description="The updated user.")
@answers(USER_NOT_FOUND, USERNAME_TAKEN, EMAIL_TAKEN, LAST_ADMINISTRATOR, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@admin.doc(operationId="updateUser")
async def update_user(body: dict[str, Any], user_id: str) -> WithHeaders:
    """Change a user.

    `disabled: true` ends all sessions of the user at once: every worker refuses their tokens from the next request on.
    `disabled: false` lets the user log in again. Callers cannot change a user who has more permissions than they do.
    Without `roles:grant` they also cannot change a user who has a role that they do not hold. The last enabled
    administrator cannot be disabled.
    """
    changes = Changes(body.get("username"), body.get("email", False), body.get("disabled"))
    return with_etag(
        await provided(Administration).update(actor(), user_id, condition(required=True), changes, request_info())
    )


@admin.route("/users/<user_id>", methods=["DELETE"], parameters=[USER])
@requires(scope=USERS_WRITE)
@admin.response(204, description="The user is deleted.")
@answers(USER_NOT_FOUND, LAST_ADMINISTRATOR, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@admin.doc(operationId="deleteUser")
async def delete_user(user_id: str) -> Response:
    """Delete a user.

    Deletes the user and their sessions at once: every worker refuses their tokens from the next request on. The audit
    trail is kept. The last enabled administrator cannot be deleted.
    """
    await provided(Administration).delete(actor(), user_id, condition(required=True), request_info())
    return no_content()


@admin.route("/users/<user_id>/sessions", methods=["DELETE"], parameters=[USER])
@requires(scope=USERS_WRITE)
@admin.response(200, UserSessionsEnded, description="The sessions have ended.")
@answers(USER_NOT_FOUND, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@admin.doc(operationId="endUserSessions")
async def end_user_sessions(user_id: str) -> dict[str, int]:
    """End all sessions of a user.

    All tokens of these sessions are refused from the next request on. The user can log in again.
    """
    return {"ended_sessions": await provided(Administration).end_sessions(actor(), user_id, request_info())}


@admin.route("/users/<user_id>/roles", methods=["PUT"], parameters=[USER])
@requires(scope=USERS_WRITE)
@admin.arguments(RolesBody(), example={"roles": []})
@admin.response(200, User, headers=etags.HEADERS, description="The updated user.")
@answers(USER_NOT_FOUND, UNKNOWN_ROLE, LAST_ADMINISTRATOR, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@admin.doc(operationId="setUserRoles")
async def set_user_roles(body: dict[str, Any], user_id: str) -> WithHeaders:
    """Set the roles of a user.

    Replaces all roles of the user. Access tokens issued before are refused from the next request on; `POST /refresh`
    returns one with the new roles. Callers can add or remove only roles that they hold. With `roles:grant` they can
    also add or remove other roles, as long as these give no permission that the caller does not have. API keys cannot
    set roles. The last enabled administrator keeps the role admin.
    """
    return with_etag(
        await provided(Administration).set_roles(
            actor(), user_id, condition(required=True), body["roles"], request_info()
        )
    )
