"""The limit of open files, and the number of connections that it allows."""

import sys

import structlog

log = structlog.stdlib.get_logger(__name__)

MAX_DESCRIPTORS = 65_536
"""The highest limit to request, even if the system allows a billion, because the kernel's tables grow with it."""
RESERVED_DESCRIPTORS = 128
"""Descriptors that a worker reserves for everything except connections: database, revocation feed, pools, imports."""
FEW_DESCRIPTORS = 1_024
"""A limit below this causes a warning."""


def raise_limit() -> int:
    """Raise the limit of open files of this process as far as allowed; return it, or 0 if there is no limit."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - Windows does not have it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return min(soft, MAX_DESCRIPTORS) if soft != resource.RLIM_INFINITY else MAX_DESCRIPTORS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.warning("the limit of open files cannot be raised", limit=soft, wanted=wanted, error=str(error))
        return soft
    return wanted


def connections_for(limit: int, reserve: int = 0) -> int:
    """Return how many connections a worker may hold if it may open `limit` files; 0 if there is no limit.

    reserve: descriptors that the application itself may need. At least an eighth of the limit and RESERVED_DESCRIPTORS
    are reserved, but never more than half of the limit, so that some connections are always served.
    """
    kept = min(max(RESERVED_DESCRIPTORS, reserve, limit // 8), limit // 2)
    return limit - kept


def report(limit: int, connections: int) -> None:
    """Log the limit and the resulting number of connections in one line."""
    if limit < FEW_DESCRIPTORS:
        log.warning(
            "few files may be open at once",
            limit=limit,
            connections_per_worker=connections,
            remedy="raise the limit of open files (ulimit -n, LimitNOFILE=)",
        )
    else:
        log.info("limit of open files", limit=limit, connections_per_worker=connections)
