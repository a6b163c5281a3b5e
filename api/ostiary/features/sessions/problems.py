"""What can go wrong with a session."""

from ostiary.core.problems import BEARER, ProblemType

INVALID_CREDENTIALS = ProblemType(
    code="invalid_credentials",
    status=401,
    title="The credentials are wrong",
    detail="Invalid credentials!",
    remedy="Check the user name and the password. Which of the two is wrong is not told.",
    challenge=BEARER,
)
INVALID_LOGIN_TOKEN = ProblemType(
    code="invalid_login_token",
    status=401,
    title="The login token is not valid",
    detail="The login token is unknown, expired, used before, or was tried too often.",
    remedy="Log in again (POST /login).",
    challenge=BEARER,
)
INVALID_REFRESH_TOKEN = ProblemType(
    code="invalid_refresh_token",
    status=401,
    title="The refresh token is not valid",
    detail="The refresh token is unknown, expired, used before, or its session has ended.",
    remedy="Log in again (POST /login).",
    challenge=BEARER,
)
ACCOUNT_DISABLED = ProblemType(
    code="account_disabled",
    status=403,
    title="The account is disabled",
    detail="An administrator has disabled this account.",
    remedy="Ask an administrator to enable it. Only who knows the password is told.",
)
WRONG_PASSWORD = ProblemType(
    code="wrong_password",
    status=403,
    title="The present password is wrong",
    detail="The present password is not the one that was sent.",
    remedy="Send the password that the account has now.",
)
SESSION_NOT_FOUND = ProblemType(
    code="session_not_found",
    status=404,
    title="There is no such session",
    detail="You have no session of this id.",
    remedy="Take an id from GET /me/sessions; sessions that have ended are not listed.",
)
