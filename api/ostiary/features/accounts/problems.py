"""What can go wrong with an account."""

from ostiary.core.problems import ProblemType

USERNAME_TAKEN = ProblemType(
    code="username_taken",
    status=409,
    title="The user name is taken",
    detail="User already exists!",
    remedy="Choose another user name; names that differ only in case, or look the same, are the same name.",
)
EMAIL_TAKEN = ProblemType(
    code="email_taken",
    status=409,
    title="The email address is taken",
    detail="Another user has this email address.",
    remedy="Give another address; addresses that differ only in case are the same address.",
)
USER_NOT_FOUND = ProblemType(
    code="user_not_found",
    status=404,
    title="There is no such user",
    detail="There is no user of this id.",
    remedy="Take an id from GET /users; deleted users are not listed.",
)
PASSWORD_TOO_COMMON = ProblemType(
    code="password_too_common",
    status=422,
    title="The password is a common one",
    detail="This password is among the most common ones, which attackers try first.",
    remedy="Choose another password, such as several words that have nothing to do with each other.",
)
LAST_ADMINISTRATOR = ProblemType(
    code="last_administrator",
    status=409,
    title="Nobody would be left to administer",
    detail="This is the last enabled user who holds the role admin.",
    remedy="Give the role admin to another user first.",
)
