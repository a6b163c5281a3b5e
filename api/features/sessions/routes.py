"""Operations that begin, continue and end a session."""

from api.core.problems import DATABASE_UNAVAILABLE, OVERLOADED
from api.features.sessions import service
from api.features.sessions.problems import INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN
from api.features.sessions.schemas import LoginBody, Message, RefreshBody, TokenPair
from api.features.sessions.service import Sessions
from api.web.blueprint import Blueprint, answers
from api.web.guards import principal, public, requires
from api.web.provide import client, provided

sessions = Blueprint("sessions", __name__)

TAGS = ["auth"]

AFTER_LOG_IN = {
    "me": {"operationId": "getMe", "description": "With the access token: who am I?"},
    "protected": {
        "operationId": "getProtected",
        "description": "With the access token: the protected resource.",
    },
    "refresh": {
        "operationId": "refresh",
        "description": "Exchange the refresh token for a new pair.",
        "requestBody": {"refresh_token": "$response.body#/refresh_token"},
    },
    "logout": {"operationId": "logout", "description": "With the access token: end the session."},
}


@sessions.route("/login", methods=["POST"], tags=TAGS)
@public
@sessions.arguments(LoginBody(), example={"username": "user1", "password": "password123"})
@sessions.response(200, TokenPair, description="The user is logged in.")
@answers(INVALID_CREDENTIALS, OVERLOADED, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="login", responses={200: {"links": AFTER_LOG_IN}})
async def login(body: dict[str, str]) -> service.TokenPair:
    """Log in with a user name and a password.

    Begins a session and answers with its first pair of tokens. A wrong name and a wrong password get the same answer in
    the same time.
    """
    return await provided(Sessions).log_in(body["username"], body["password"], client())


@sessions.route("/refresh", methods=["POST"], tags=TAGS)
@public
@sessions.arguments(RefreshBody())
@sessions.response(200, TokenPair, description="A new pair of tokens; the refresh token sent is used up.")
@answers(INVALID_REFRESH_TOKEN, DATABASE_UNAVAILABLE)
@sessions.doc(operationId="refresh", responses={200: {"links": AFTER_LOG_IN}})
async def refresh(body: dict[str, str]) -> service.TokenPair:
    """Exchange a refresh token for a new pair of tokens.

    Each refresh token is good for one use. Sent again within a few seconds, as after a lost answer, it gets the same
    successor; sent again later, the session ends, because somebody holds a copy.
    """
    return await provided(Sessions).refresh(body["refresh_token"])


@sessions.route("/logout", methods=["POST"], tags=TAGS)
@requires()
@sessions.response(200, Message, description="The session has ended.")
@answers(DATABASE_UNAVAILABLE)
@sessions.doc(operationId="logout")
async def logout() -> dict[str, str]:
    """Log out.

    Ends the session of the access token sent: every access and refresh token of it is refused from the next request on,
    by every worker, also after a restart.
    """
    await provided(Sessions).log_out(principal())
    return {"message": "Successfully logged out!"}
