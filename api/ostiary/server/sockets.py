"""Listening sockets: one for each worker, so that the kernel spreads connections over them."""

import errno
import socket
import sys

from ostiary.core.addresses import in_url

BACKLOG = 2048
UNSENT_BYTES = 65_536
"""Bytes of answers that the kernel buffers before the client has room for them. Without this limit the kernel buffers
megabytes, and a client that reads nothing gets thousands of answers ahead."""


class CannotListen(Exception):
    """The address is in use, does not belong to this machine, or needs a privilege. The message is one line."""


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Return `count` listening sockets on host and port; port 0 picks a free port.

    On Linux each one is a separate socket (SO_REUSEPORT), and the kernel assigns each new connection to one of them by
    a hash of its addresses. On other systems, and for one worker, all are the same socket. Raises CannotListen.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Without SO_REUSEPORT. Otherwise the port could be shared unnoticed with a server that already listens here.
        probe = _bound(family, address, reuse_port=False)
    except OSError as error:
        remedy = "another program listens there: stop it, or choose another with --port (OSTIARY_PORT)"
        if error.errno != errno.EADDRINUSE:
            remedy = "choose another with --host and --port (OSTIARY_HOST, OSTIARY_PORT)"
        raise CannotListen(f"cannot listen on {in_url(host)}:{port}: {error.strerror or error}; {remedy}") from error
    if count == 1 or sys.platform != "linux":
        probe.listen(BACKLOG)
        return [probe] * count
    address = probe.getsockname()
    probe.close()
    sockets = [_bound(family, address, reuse_port=True) for _ in range(count)]
    for listener in sockets:
        listener.listen(BACKLOG)
    return sockets


def _bound(family: int, address: object, *, reuse_port: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)  # type: ignore[arg-type]
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
