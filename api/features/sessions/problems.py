"""What can go wrong with a session."""

from api.core.problems import BEARER, ProblemType

INVALID_CREDENTIALS = ProblemType(
    code="invalid_credentials",
    status=401,
    title="The credentials are wrong",
    detail="Invalid credentials!",
    remedy="Check the user name and the password. Which of the two is wrong is not told.",
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
