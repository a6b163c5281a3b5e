"""Operations on roles."""

from typing import Any

from flask import Response, url_for

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.scopes import ROLES_READ, ROLES_WRITE
from ostiary.features.roles import schemas
from ostiary.features.roles.management import RoleManagement
from ostiary.features.roles.problems import BEYOND_OWN_PERMISSIONS, ROLE_IS_BUILT_IN, ROLE_NOT_FOUND, ROLE_TAKEN
from ostiary.web import etags
from ostiary.web.blueprint import Blueprint, WithHeaders, answers, no_content
from ostiary.web.etags import changes_version, condition, if_changed, shows_version, with_etag
from ostiary.web.guards import actor, requires
from ostiary.web.provide import provided, request_info

roles = Blueprint("roles", __name__)

TAGS = ["admin"]

ROLE = {
    "in": "path",
    "name": "role_name",
    "required": True,
    "description": "The role, as GET /roles names it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "helpdesk",
}
_SAME = {"role_name": "$response.body#/name"}
_SAME_VERSION = {**_SAME, "header.If-Match": "$response.header.ETag"}
AFTER_CREATION = {
    "role": {"operationId": "getRole", "description": "Read the role.", "parameters": _SAME},
    "update": {"operationId": "updateRole", "description": "Change the role.", "parameters": _SAME_VERSION},
    "delete": {"operationId": "deleteRole", "description": "Delete the role.", "parameters": _SAME_VERSION},
}


@roles.route("/roles", tags=TAGS)
@requires(scope=ROLES_READ)
@roles.response(200, schemas.RoleList, description="The roles.")
@answers(DATABASE_UNAVAILABLE)
@roles.doc(operationId="listRoles")
async def list_roles() -> dict[str, Any]:
    """List the roles.

    All of them, by name, with the permissions that they give. The role `admin` is built in and gives every permission.
    """
    return {"roles": await provided(RoleManagement).all()}


@roles.route("/roles", methods=["POST"], tags=TAGS)
@requires(scope=ROLES_WRITE)
@roles.arguments(
    schemas.NewRoleBody(),
    example={"name": "helpdesk", "description": "Helps people with their accounts.", "permissions": ["users:read"]},
)
@roles.response(
    201,
    schemas.Role,
    headers={**etags.HEADERS, "Location": {"$ref": "#/components/headers/Location"}},
    description="The role has been created.",
)
@answers(ROLE_TAKEN, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@roles.doc(operationId="createRole", responses={201: {"links": AFTER_CREATION}})
async def create_role(body: dict[str, Any]) -> WithHeaders:
    """Create a role.

    Nobody creates a role with more permissions than they have themselves, or with a name that looks like another
    role's. `PUT /users/{user_id}/roles` gives it.
    """
    role = await provided(RoleManagement).create(
        actor(), body["name"], body["description"], body["permissions"], request_info()
    )
    return with_etag(role, Location=url_for("roles.get_role", role_name=role.name))


@roles.route("/roles/<role_name>", tags=TAGS, parameters=[ROLE])
@requires(scope=ROLES_READ)
@roles.response(200, schemas.Role, headers=etags.HEADERS, description="The role.")
@answers(ROLE_NOT_FOUND, DATABASE_UNAVAILABLE)
@shows_version
@roles.doc(operationId="getRole")
async def get_role(role_name: str) -> Any:
    """Read a role.

    The ETag of the answer is what If-Match takes to change the role.
    """
    return if_changed(await provided(RoleManagement).get(role_name))


@roles.route("/roles/<role_name>", methods=["PATCH"], tags=TAGS, parameters=[ROLE])
@requires(scope=ROLES_WRITE)
@roles.arguments(schemas.RoleChangesBody(), example={"permissions": ["users:read"]})
@roles.response(200, schemas.Role, headers=etags.HEADERS, description="The role as it is now.")
@answers(ROLE_NOT_FOUND, ROLE_IS_BUILT_IN, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@roles.doc(operationId="updateRole")
async def update_role(body: dict[str, Any], role_name: str) -> WithHeaders:
    """Change a role.

    With other permissions the access tokens of everybody who holds the role are refused from the next request on;
    `POST /refresh` gives one with the new permissions. Without `roles:grant` nobody changes a role that they do not
    hold.
    """
    return with_etag(
        await provided(RoleManagement).change(
            actor(),
            role_name,
            condition(required=True),
            request_info(),
            description=body.get("description"),
            permissions=body.get("permissions"),
        )
    )


@roles.route("/roles/<role_name>", methods=["DELETE"], tags=TAGS, parameters=[ROLE])
@requires(scope=ROLES_WRITE)
@roles.response(204, description="The role is gone.")
@answers(ROLE_NOT_FOUND, ROLE_IS_BUILT_IN, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@roles.doc(operationId="deleteRole")
async def delete_role(role_name: str) -> Response:
    """Delete a role.

    Nobody holds it any more, and the access tokens of everybody who did are refused from the next request on. Without
    `roles:grant` nobody deletes a role that they do not hold.
    """
    await provided(RoleManagement).delete(actor(), role_name, condition(required=True), request_info())
    return no_content()
