"""Strict parsing of the query of a request."""

from collections import Counter

from flask import Request

from ostiary.core.problems import INVALID_QUERY, Problem
from ostiary.web.errors import problem_of
from ostiary.web.urlencoded import Unreadable, pairs_of

MAX_QUERY = 8192
"""Maximum length of a query, in bytes. The longest query in the contract has about 5,000."""


def parse(request: Request) -> dict[str, str]:
    """Return the parameters.

    Raises the problem `invalid_query` for a query that is too long or ambiguous, and for repeated parameters.
    """
    raw = request.query_string
    if len(raw) > MAX_QUERY:
        raise _refusal("", f"The query has more than {MAX_QUERY} bytes.")
    try:
        pairs = pairs_of(raw)
    except Unreadable as error:
        raise _refusal("", f"The query is not valid: {error}.") from error
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        raise problem_of(INVALID_QUERY, "parameter", ((name, "Comes more than once.") for name in repeated))
    return parameters


def _refusal(parameter: str, why: str) -> Problem:
    return INVALID_QUERY(errors=[{"parameter": parameter, "detail": why}])
