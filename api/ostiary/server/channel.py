"""The messages between a worker and its supervisor. They use a pair of sockets, which also shows when one side is gone.

A worker sends single bytes. The supervisor sends pairs: an order and the number of a listener.
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
"""Leave, because a successor has started: serve each connection once more."""
HURRY = b"!\0"
"""Do not wait any longer for requests in flight."""
COVER = b"+"
"""Also accept from this listener, because its worker is away or silent."""
UNCOVER = b"-"
"""Stop accepting from this listener, because its worker is back."""


def send(channel: socket.socket, message: bytes) -> None:
    """Send without waiting. The message is lost if the other side is gone or its buffer is full."""
    with suppress(OSError):
        channel.send(message)


def receive(channel: socket.socket) -> bytes | None:
    """Return the data that has arrived, b"" if there is none, None if the other side is gone."""
    try:
        return channel.recv(4096) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
