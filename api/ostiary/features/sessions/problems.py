"""Problem types of sessions."""

from ostiary.core.problems import BEARER, ProblemType

INVALID_CREDENTIALS = ProblemType(
    code="invalid_credentials",
    status=401,
    title="The credentials are wrong",
    detail="Invalid credentials!",
    remedy="Check the user name and the password. The answer does not reveal which of the two is wrong.",
    challenge=BEARER,
)
INVALID_LOGIN_TOKEN = ProblemType(
    code="invalid_login_token",
    status=401,
    title="The login token is not valid",
    detail="The login token is unknown, expired or already used, or it had too many attempts.",
    remedy="Log in again (POST /login).",
    challenge=BEARER,
)
INVALID_REFRESH_TOKEN = ProblemType(
    code="invalid_refresh_token",
    status=401,
    title="The refresh token is not valid",
    detail="The refresh token is unknown, expired or already used, or its session has ended.",
    remedy="Log in again (POST /login).",
    challenge=BEARER,
)
ACCOUNT_DISABLED = ProblemType(
    code="account_disabled",
    status=403,
    title="The account is disabled",
    detail="An administrator has disabled this account.",
    remedy="Ask an administrator to enable the account. This problem is shown only after a correct password.",
)
WRONG_PASSWORD = ProblemType(
    code="wrong_password",
    status=403,
    title="The current password is wrong",
    detail="The password sent is not the current password of the account.",
    remedy="Send the current password of the account.",
)
SESSION_NOT_FOUND = ProblemType(
    code="session_not_found",
    status=404,
    title="The session does not exist",
    detail="None of your sessions has this id.",
    remedy="Take an id from GET /me/sessions. The list does not include ended sessions.",
)
