"""An answer that a server sends after it has read only the head of a request."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EarlyAnswer:
    """Status, header fields and body. delay: seconds to wait before sending."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    delay: float = 0.0
