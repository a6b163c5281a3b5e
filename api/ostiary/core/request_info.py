"""What a service needs to know about the request that calls it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RequestInfo:
    """The network address and the User-Agent of a caller, cut to what is worth keeping, and the request's own id."""

    ip: str
    user_agent: str
    request_id: str = ""


OPERATOR = RequestInfo("", "ostiary command")
"""Calls from the command line on the server."""
SERVER = RequestInfo("", "ostiary server")
"""Work that the server does on its own."""
