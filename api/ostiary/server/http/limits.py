"""What one client may send, hold or refuse to read. Every number that bounds a connection stands here."""

from collections.abc import Callable
from dataclasses import dataclass

MAX_HEAD_BYTES = 65_536
"""Bytes of request line and header fields."""
MAX_TARGET_BYTES = 57_344
"""Bytes of the request target: more than any query that the contract permits, so that operations answer for theirs."""
MAX_PATH_ESCAPES = 1_024
"""Percent-encoded bytes of a path, each of which costs far more than a plain one."""
MAX_EMPTY_LINES = 4
"""Empty lines before a request line, of which RFC 9112 section 2.2 wants one or more to be passed over."""
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
"""Bytes of the lines that begin the chunks of one body: sizes and extensions."""
MAX_TRAILER_BYTES = 16_384
"""Bytes of the fields that follow the last chunk."""
MAX_PIPELINED_BYTES = 65_536
"""Bytes read ahead while a request runs; beyond it the server reads no more until the request is answered."""
MAX_PIPELINED_AT_ONCE = 16
"""Requests that were sent before the answer to the one before them, and are taken up at once, in a row."""
PIPELINE_PAUSE_SECONDS = 0.02
"""Pause before each further one of them, so that a client that sends thousands leaves others their turn."""
MAX_UNREAD_BODY_BYTES = 8_388_608
"""Bytes of a body that are read and dropped after an early answer; for more the server closes the connection."""
WRITE_SECONDS = 30.0
"""Seconds in which a client must take at least MIN_WRITE_BYTES of an answer that waits for it."""
MIN_WRITE_BYTES = 16_384
"""Bytes of an answer that a client must take in WRITE_SECONDS."""
KEEP_ALIVE_SECONDS = 130.0
"""Seconds for which an idle connection is kept: longer than the usual proxies keep theirs, so that they close first."""
HALF_SENT_SECONDS = 2.0
"""Seconds that a request gets to arrive whole once the server stops."""
LINGER_SECONDS = 2.0
"""Seconds for which the server reads on after its last answer, so that a client still sending can read that answer."""
FALLBACK_CONNECTIONS = 896
"""Connections of one worker where the limit of open files is not known."""


def _nobody(_address: str) -> bool:
    return False


@dataclass(frozen=True)
class Limits:
    """The bounds of one worker; durations in seconds, sizes in bytes.

    max_connections: 0 leaves it to the worker, which knows how many files it may open. max_connections_per_address: 0
    is half of them. is_exempt: whether an address, in canonical form, such as that of a trusted proxy, may have more.
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
        """Connections of one worker."""
        return self.max_connections or FALLBACK_CONNECTIONS

    @property
    def connections_per_address(self) -> int:
        """Connections of one worker from one IPv4 address or one IPv6 network of 64 bits."""
        return self.max_connections_per_address or max(1, self.connections // 2)
