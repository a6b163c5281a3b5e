"""Problem types of accounts."""

from ostiary.core.problems import ProblemType

USERNAME_TAKEN = ProblemType(
    code="username_taken",
    status=409,
    title="The user name is taken",
    detail="User already exists!",
    remedy="Choose another user name. Names that differ only in case, or that look alike, count as the same name.",
)
EMAIL_TAKEN = ProblemType(
    code="email_taken",
    status=409,
    title="The email address is taken",
    detail="Another user has this email address.",
    remedy="Choose another email address. Addresses that differ only in case count as the same address.",
)
USER_NOT_FOUND = ProblemType(
    code="user_not_found",
    status=404,
    title="The user does not exist",
    detail="No user has this id.",
    remedy="Take an id from GET /users. The list does not include deleted users.",
)
PASSWORD_TOO_COMMON = ProblemType(
    code="password_too_common",
    status=422,
    title="The password is too common",
    detail="This is one of the most common passwords. Attackers try these first.",
    remedy="Choose another password, such as several unrelated words.",
)
LAST_ADMINISTRATOR = ProblemType(
    code="last_administrator",
    status=409,
    title="No administrator would remain",
    detail="This is the last enabled user with the role admin.",
    remedy="Give the role admin to another user first.",
)
