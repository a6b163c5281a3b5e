"""Problem types of the sandbox."""

from ostiary.core.problems import ProblemType

CLOCK_TOO_FAR_AHEAD = ProblemType(
    code="clock_too_far_ahead",
    status=409,
    title="The clock is too far ahead",
    detail="The clock would be more than 100 years ahead.",
    remedy="Reset the clock first (POST /sandbox/reset).",
)
