"""An answer that a server gives from the head of a request alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EarlyAnswer:
    """Status, header fields and body; delay: seconds to hold it back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    delay: float = 0.0
