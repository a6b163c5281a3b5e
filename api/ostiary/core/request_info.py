"""Facts about a request for the services that it calls."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RequestInfo:
    """The network address and the User-Agent of a caller, shortened for storage, and the id of the request."""

    ip: str
    user_agent: str
    request_id: str = ""


OPERATOR = RequestInfo("", "ostiary command")
"""For calls from the command line on the server."""
SERVER = RequestInfo("", "ostiary server")
"""For work that the server does on its own."""
