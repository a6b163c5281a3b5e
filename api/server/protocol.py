"""uvicorn's HTTP protocol with bounds on what a client may send before its request begins, and problems for answers.

uvicorn itself takes request heads of any size and waits for them for ever: one connection could fill the memory, and
adding up a head in small pieces takes time that grows with its square, on the event loop.
"""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.core.problems import BAD_REQUEST, HEADERS_TOO_LARGE, ProblemType

LONGEST_HEAD = 65536
"""Bytes of request line and header fields; what comes in one piece with the last of them may be more."""
HEAD_SECONDS = 30.0
"""Seconds from the opening of a connection, or the first byte of a request, to the end of its head."""


class BoundedHttp(HttpToolsProtocol):
    """Answers 431 to a head that is too large, 400 to what is not HTTP, and closes connections that say nothing."""

    _head_bytes = 0
    _head_complete = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client; refuse a head that has grown too large."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._head_complete:
            return
        self._head_bytes += len(data)
        if self._head_bytes > LONGEST_HEAD:
            self._refuse(HEADERS_TOO_LARGE)
        elif self._head_timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        self._head_complete = False
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is there; refuse one without exactly one Host (RFC 9112 section 3.2)."""
        if self.parser.get_http_version() == "1.1" and sum(name == b"host" for name, _ in self.headers) != 1:
            raise ValueError("not one Host")  # which the parser turns into an error of its own, answered with 400
        self._head_complete = True
        self._stop_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer to what is not HTTP."""
        self._refuse(BAD_REQUEST)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, kind: ProblemType) -> None:
        body: dict[str, Any] = kind().body()
        text = json.dumps(body, separators=(",", ":")).encode()
        self.transport.write(
            STATUS_LINE[kind.status]
            + b"content-type: application/problem+json\r\n"
            + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(text)
            + text
        )
        self.transport.close()
