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
    "description": "The name of the role, as listed by GET /roles.",
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
    """List roles.

    Returns all roles, sorted by name, with their permissions. The role `admin` is built in and gives every permission.
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
    description="The role is created.",
)
@answers(ROLE_TAKEN, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@roles.doc(operationId="createRole", responses={201: {"links": AFTER_CREATION}})
async def create_role(body: dict[str, Any]) -> WithHeaders:
    """Create a role.

    The role cannot give permissions that the caller does not have. Its name cannot look like the name of another role.
    Assign the role with `PUT /users/{user_id}/roles`.
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

    To change the role, send the returned ETag in the If-Match header.
    """
    return if_changed(await provided(RoleManagement).get(role_name))


@roles.route("/roles/<role_name>", methods=["PATCH"], tags=TAGS, parameters=[ROLE])
@requires(scope=ROLES_WRITE)
@roles.arguments(schemas.RoleChangesBody(), example={"permissions": ["users:read"]})
@roles.response(200, schemas.Role, headers=etags.HEADERS, description="The updated role.")
@answers(ROLE_NOT_FOUND, ROLE_IS_BUILT_IN, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@roles.doc(operationId="updateRole")
async def update_role(body: dict[str, Any], role_name: str) -> WithHeaders:
    """Change a role.

    If the permissions change, the access tokens of all holders are refused from the next request on. `POST /refresh`
    returns one with the new permissions. Without `roles:grant`, callers cannot change a role that they do not hold.
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
@roles.response(204, description="The role is deleted.")
@answers(ROLE_NOT_FOUND, ROLE_IS_BUILT_IN, BEYOND_OWN_PERMISSIONS, DATABASE_UNAVAILABLE)
@changes_version(required=True)
@roles.doc(operationId="deleteRole")
async def delete_role(role_name: str) -> Response:
    """Delete a role.

    Removes the role from all users. The access tokens of its holders are refused from the next request on. Without
    `roles:grant`, callers cannot delete a role that they do not hold.
    """
    await provided(RoleManagement).delete(actor(), role_name, condition(required=True), request_info())
    return no_content()
