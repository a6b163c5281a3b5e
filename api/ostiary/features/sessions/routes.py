"""Operations that start, refresh, list and end sessions."""

from typing import Any

from flask import Response

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.core.scopes import ME_READ, ME_WRITE
from ostiary.features.accounts.problems import PASSWORD_TOO_COMMON
from ostiary.features.sessions import issuing
from ostiary.features.sessions.issuing import TokenPair as TokensIssued
from ostiary.features.sessions.login import Logins, PendingLogin
from ostiary.features.sessions.management import SessionManagement
from ostiary.features.sessions.problems import (
    ACCOUNT_DISABLED,
    INVALID_CREDENTIALS,
    INVALID_REFRESH_TOKEN,
    SESSION_NOT_FOUND,
    WRONG_PASSWORD,
)
from ostiary.features.sessions.schemas import (
    AccessToken,
    EndSessionsQuery,
    LoginBody,
    Message,
    PasswordChangeBody,
    PasswordChanged,
    PendingLoginAnswer,
    ReauthenticateBody,
    RefreshBody,
    SessionList,
    SessionsEnded,
    TokenPair,
)
from ostiary.features.sessions.service import Sessions
from ostiary.web.admission import hashes
from ostiary.web.blueprint import Blueprint, answers, json_response, no_content
from ostiary.web.guards import actor, principal, public, requires
from ostiary.web.provide import provided, request_info

sessions = Blueprint("sessions", __name__)

TAGS = ["auth"]
OWN = ["me"]

SESSION_PARAMETER = {
    "in": "path",
    "name": "session_id",
    "required": True,
    "description": "The id of the session, as listed by GET /me/sessions.",
    "schema": {"type": "string", "format": "uuid"},
    "example": "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55",
}

AFTER_LOG_IN = {
    "me": {"operationId": "getMe", "description": "With the access token: get the current user."},
    "protected": {
        "operationId": "getProtected",
        "description": "With the access token: get the protected resource.",
    },
    "refresh": {
        "operationId": "refresh",
        "description": "Exchange the refresh token for a new pair of tokens.",
        "requestBody": {"refresh_token": "$response.body#/refresh_token"},
    },
    "logout": {"operationId": "logout", "description": "With the access token: end the session."},
}


def accepted(pending: PendingLogin) -> Response:
    """Return the 202 answer for a login that needs another stage. A feature that adds a stage declares it."""
    return json_response(PendingLoginAnswer().dump(pending), 202)


@sessions.route("/login", methods=["POST"], tags=TAGS)
@public
@hashes
@sessions.arguments(LoginBody(), example={"username": "user1", "password": "password123"})
@sessions.response(200, TokenPair, description="The user is logged in.")
@answers(INVALID_CREDENTIALS, ACCOUNT_DISABLED, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="login", responses={200: {"links": AFTER_LOG_IN}})
async def login(body: dict[str, str]) -> TokensIssued | Response:
    """Log in with a user name and a password.

    Starts a session and returns its first pair of tokens. Unknown names and wrong passwords cannot be distinguished:
    the answer and the response time are the same.
    """
    outcome = await provided(Logins).with_password(body["username"], body["password"], request_info())
    return accepted(outcome) if isinstance(outcome, PendingLogin) else outcome


@sessions.route("/refresh", methods=["POST"], tags=TAGS)
@public
@sessions.arguments(RefreshBody())
@sessions.response(200, TokenPair, description="A new pair of tokens. It replaces the old pair.")
@answers(INVALID_REFRESH_TOKEN, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="refresh", responses={200: {"links": AFTER_LOG_IN}})
async def refresh(body: dict[str, str]) -> TokensIssued:
    """Exchange a refresh token for a new pair of tokens.

    Each refresh token can be used once. If a client sends it again within a few seconds, for example after a lost
    response, it gets the same new refresh token. If the token is sent again later, the session ends, because somebody
    may have a copy.
    """
    return await provided(Sessions).refresh(body["refresh_token"], request_info())


@sessions.route("/logout", methods=["POST"], tags=TAGS)
@requires(session=True)
@sessions.response(200, Message, description="The session has ended.")
@answers(DATABASE_UNAVAILABLE)
@sessions.doc(operationId="logout")
async def logout() -> dict[str, str]:
    """Log out.

    Ends the session of the access token. Every worker refuses all access and refresh tokens of the session from the
    next request on, also after a restart.
    """
    await provided(SessionManagement).log_out(actor(), request_info())
    return {"message": "Successfully logged out!"}


@sessions.route("/me/sessions", tags=OWN)
@requires(scope=ME_READ)
@sessions.response(200, SessionList, description="The sessions.")
@answers(DATABASE_UNAVAILABLE)
@sessions.doc(operationId="listMySessions")
async def list_my_sessions() -> dict[str, Any]:
    """List your sessions.

    Shows where the account is logged in. The newest sessions come first. Ended and expired sessions are not included.
    """
    return {"sessions": await provided(SessionManagement).sessions_of(principal())}


@sessions.route("/me/sessions", methods=["DELETE"], tags=OWN)
@requires(scope=ME_WRITE)
@sessions.query(EndSessionsQuery())
@sessions.response(200, SessionsEnded, description="The sessions have ended.")
@answers(DATABASE_UNAVAILABLE)
@sessions.doc(operationId="endMySessions")
async def end_my_sessions(query: dict[str, str]) -> dict[str, int]:
    """End your other sessions.

    `which=all` also ends the current session. All tokens of the ended sessions are refused from the next request on. A
    request with an API key has no current session, so it ends all sessions.
    """
    ended = await provided(SessionManagement).end_own(actor(), request_info(), current=query["which"] == "all")
    return {"ended_sessions": ended}


@sessions.route("/me/sessions/<session_id>", methods=["DELETE"], tags=OWN, parameters=[SESSION_PARAMETER])
@requires(scope=ME_WRITE)
@sessions.response(204, description="The session has ended.")
@answers(SESSION_NOT_FOUND, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="endMySession")
async def end_my_session(session_id: str) -> Response:
    """End one of your sessions.

    All tokens of the session are refused from the next request on. Ending the current session is a logout.
    """
    await provided(SessionManagement).end_one(actor(), session_id, request_info())
    return no_content()


@sessions.route("/me/password", methods=["POST"], tags=OWN)
@requires(session=True)
@hashes
@sessions.arguments(
    PasswordChangeBody(),
    example={"current_password": "password123", "new_password": "correct horse battery"},
)
@sessions.response(200, PasswordChanged, description="The password is changed.")
@answers(WRONG_PASSWORD, PASSWORD_TOO_COMMON, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="changeMyPassword")
async def change_my_password(body: dict[str, str]) -> dict[str, Any]:
    """Change your password.

    Ends all other sessions of the account and returns their number. The current session continues.
    """
    ended = await provided(SessionManagement).change_password(
        actor(), body["current_password"], body["new_password"], request_info()
    )
    return {"message": "Password changed.", "ended_sessions": ended}


@sessions.route("/me/reauthenticate", methods=["POST"], tags=OWN)
@requires(session=True)
@hashes
@sessions.arguments(ReauthenticateBody(), example={"password": "password123"})
@sessions.response(200, AccessToken, description="An access token with a new `auth_time`.")
@answers(WRONG_PASSWORD, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="reauthenticate")
async def reauthenticate(body: dict[str, str]) -> issuing.AccessToken:
    """Authenticate again.

    Use it before operations that need a recent login (`insufficient_user_authentication`, RFC 9470). The returned
    access token has a new `auth_time`, and so do later access tokens of the session. The refresh token does not change.
    """
    return await provided(Sessions).reauthenticate(actor(), body["password"], request_info())
