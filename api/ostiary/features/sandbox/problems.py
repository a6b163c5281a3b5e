"""What can go wrong in the sandbox."""

from ostiary.core.problems import ProblemType

CLOCK_TOO_FAR_AHEAD = ProblemType(
    code="clock_too_far_ahead",
    status=409,
    title="The clock is too far ahead",
    detail="The clock would be more than 100 years ahead.",
    remedy="Put it back first: POST /sandbox/reset.",
)
