"""Limits on what one client may send, hold or leave unread. This module has every number that limits a connection."""

from collections.abc import Callable
from dataclasses import dataclass

MAX_HEAD_BYTES = 65_536
"""Bytes of request line and header fields."""
MAX_TARGET_BYTES = 57_344
"""Bytes of the request target: more than any query that the contract permits, so that operations report their own
limits."""
MAX_PATH_ESCAPES = 1_024
"""Percent-encoded bytes of a path. Each costs far more than a plain byte."""
MAX_EMPTY_LINES = 4
"""Empty lines before a request line. RFC 9112 section 2.2 asks servers to ignore at least one."""
MAX_CODING_BYTES = 256
"""Bytes of all Transfer-Encoding fields."""
MAX_FIELDS = 128
"""Header fields of one request."""
HEAD_SECONDS = 30.0
"""Seconds from the opening of a connection, or the first byte of a request, to the end of its head."""
BODY_SECONDS = 30.0
"""Seconds from the end of a head to the end of its body."""
MAX_CHUNKS = 512
"""Chunks of one body."""
MAX_CHUNK_LINE_BYTES = 16_384
"""Bytes of all chunk lines of one body: sizes and extensions."""
MAX_TRAILER_BYTES = 16_384
"""Bytes of the fields that follow the last chunk."""
MAX_PIPELINED_BYTES = 65_536
"""Bytes read ahead while a request runs. Beyond this, the server stops reading until the request is answered."""
MAX_PIPELINED_AT_ONCE = 16
"""Pipelined requests that are served in a row without a pause."""
PIPELINE_PAUSE_SECONDS = 0.02
"""Pause before each further pipelined request, so that a client that sends thousands leaves others their turn."""
MAX_UNREAD_BODY_BYTES = 8_388_608
"""Bytes of a body that are read and dropped after an early answer. For a longer body the connection is closed."""
WRITE_SECONDS = 30.0
"""Seconds in which a client must take at least MIN_WRITE_BYTES of an answer that waits for it."""
MIN_WRITE_BYTES = 16_384
"""Bytes of an answer that a client must take in WRITE_SECONDS."""
KEEP_ALIVE_SECONDS = 130.0
"""Seconds for which an idle connection is kept. This is longer than in most proxies, so that the proxy closes first."""
HALF_SENT_SECONDS = 2.0
"""Seconds for a half-sent request to arrive completely when the server stops."""
LINGER_SECONDS = 2.0
"""Seconds for which the server keeps reading after its last answer, so that a client that still sends can read it."""
FALLBACK_CONNECTIONS = 896
"""Connections per worker if the limit of open files is not known."""


def _nobody(_address: str) -> bool:
    return False


@dataclass(frozen=True)
class Limits:
    """The limits of one worker; durations in seconds, sizes in bytes.

    max_connections: 0 derives the number from the limit of open files. max_connections_per_address: 0 means half of
    max_connections. is_exempt: whether an address in canonical form has no limit of its own, such as a trusted proxy.
    """

    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    max_connections: int = 0
    max_connections_per_address: int = 0
    is_exempt: Callable[[str], bool] = _nobody
    head_seconds: float = HEAD_SECONDS
    body_seconds: float = BODY_SECONDS
    write_seconds: float = WRITE_SECONDS
    half_sent_seconds: float = HALF_SENT_SECONDS
    linger_seconds: float = LINGER_SECONDS

    @property
    def connections(self) -> int:
        """Connections per worker."""
        return self.max_connections or FALLBACK_CONNECTIONS

    @property
    def connections_per_address(self) -> int:
        """Connections per worker from one IPv4 address or one IPv6 /64 network."""
        return self.max_connections_per_address or max(1, self.connections // 2)
