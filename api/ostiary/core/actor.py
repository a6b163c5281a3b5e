"""The sender of a request that writes."""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.core.principal import Principal


@dataclass(frozen=True, slots=True)
class Actor:
    """The sender of a request that writes, as the guard saw them before the request waited for anything.

    `Actors` checks again in the transaction and gives the work the principal that is valid there. seen: for reading and
    for refusing early. check: raises the guard's problem if a principal lacks a role or scope of the operation.
    """

    seen: Principal
    check: Callable[[Principal], None]
