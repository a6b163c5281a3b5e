"""Who calls, as much as a service needs to know of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """The network address and the User-Agent of a caller, cut to what is worth keeping."""

    ip: str
    user_agent: str
