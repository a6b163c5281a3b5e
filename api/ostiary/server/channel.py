"""What a worker and its supervisor say to each other, over a pair of sockets that also shows when the other is gone.

A worker sends single bytes. The supervisor sends pairs: what to do, and the number of a listener.
"""

import socket
from contextlib import suppress

READY = b"R"
"""The worker answers requests."""
BEAT = b"."
"""The worker's loop runs."""
LEAVING = b"L"
"""The worker accepts no more connections and will end."""

STOP = b"S\0"
"""Stop: finish what is in flight, close the rest."""
RENEW = b"N\0"
"""Leave to your successor: serve each connection once more."""
HURRY = b"!\0"
"""Do not wait any more for what is in flight."""
COVER = b"+"
"""Accept from this listener too: its worker is away or silent."""
UNCOVER = b"-"
"""Leave this listener to its own worker again."""


def send(channel: socket.socket, message: bytes) -> None:
    """Send without waiting; lost when the other side is gone, or has been silent for so long that it is full."""
    with suppress(OSError):
        channel.send(message)


def receive(channel: socket.socket) -> bytes | None:
    """Return what has come, b"" if nothing has, None if the other side is gone."""
    try:
        return channel.recv(4096) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
