"""Who calls, as much as a service needs to know of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """The network address and the User-Agent of a caller, cut to what is worth keeping, and the request's own id."""

    ip: str
    user_agent: str
    request_id: str = ""


OPERATOR = Client("", "ostiary command")
"""Who uses the command line on the server."""
SERVER = Client("", "ostiary server")
"""The server itself, where it does what nobody has asked for."""
