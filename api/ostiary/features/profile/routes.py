"""Operations on the user's own account."""

from typing import Any

from flask import Response

from ostiary.core.problems import DATABASE_UNAVAILABLE, INVALID_TOKEN
from ostiary.core.scopes import ME_READ, ME_WRITE
from ostiary.features.accounts.problems import LAST_ADMINISTRATOR, USERNAME_TAKEN
from ostiary.features.accounts.schemas import User
from ostiary.features.accounts.service import Accounts
from ostiary.features.profile.schemas import MyChangesBody
from ostiary.features.profile.service import Profile
from ostiary.web import etags
from ostiary.web.blueprint import Blueprint, WithHeaders, answers, no_content
from ostiary.web.etags import changes_version, condition, if_changed, shows_version, with_etag
from ostiary.web.guards import actor, principal, requires
from ostiary.web.provide import provided, request_info

me = Blueprint("me", __name__, description="Your own account.")


@me.route("/me")
@requires(scope=ME_READ)
@me.response(200, User, headers=etags.HEADERS, description="The current user.")
@answers(DATABASE_UNAVAILABLE)
@shows_version
@me.doc(operationId="getMe")
async def get_me() -> Any:
    """Get the current user.

    Returns the roles that the user has now. An access token carries the roles from the time when it was issued.
    """
    account = await provided(Accounts).get(principal().user_id)
    if account is None:
        raise INVALID_TOKEN()
    return if_changed(account)


@me.route("/me", methods=["PATCH"])
@requires(scope=ME_WRITE)
@me.arguments(MyChangesBody(), example={"username": "user1"})
@me.response(200, User, headers=etags.HEADERS, description="The updated user.")
@answers(USERNAME_TAKEN, DATABASE_UNAVAILABLE)
@changes_version(required=False)
@me.doc(operationId="updateMe")
async def update_me(body: dict[str, str]) -> WithHeaders:
    """Change your account.

    Changes your user name. Sessions and tokens stay valid, because they refer to the user by id.
    """
    return with_etag(
        await provided(Profile).update(actor(), condition(required=False), body.get("username"), request_info())
    )


@me.route("/me", methods=["DELETE"])
@requires(fresh=True)
@me.response(204, description="The account is deleted.")
@answers(LAST_ADMINISTRATOR, DATABASE_UNAVAILABLE)
@me.doc(operationId="deleteMe")
async def delete_me() -> Response:
    """Delete your account.

    Deletes the user and all their sessions at once: every worker refuses their tokens from the next request on. This
    cannot be undone, so it needs a recent login (RFC 9470). Otherwise the answer is `insufficient_user_authentication`;
    log in again to proceed.
    """
    await provided(Profile).delete(actor(), request_info())
    return no_content()
