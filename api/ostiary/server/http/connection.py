"""One connection: it reads requests and writes answers, one after the other."""

import asyncio
from contextvars import Context
from typing import cast

from ostiary.core.problems import BAD_REQUEST, REQUEST_TIMEOUT, ProblemType
from ostiary.server.http import answers
from ostiary.server.http.bodies import Body, ChunkedBody, LengthBody
from ostiary.server.http.exchange import Exchange, Peer, Registry, scope_of
from ostiary.server.http.heads import Head, HeadReader, Refused
from ostiary.server.http.limits import (
    MAX_PIPELINED_AT_ONCE,
    MAX_PIPELINED_BYTES,
    MAX_UNREAD_BODY_BYTES,
    MIN_WRITE_BYTES,
    PIPELINE_PAUSE_SECONDS,
)
from ostiary.server.http.waiting import For

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """Reads one request at a time. Data of later requests waits, up to a limit."""

    __slots__ = (
        "_at",
        "_body",
        "_data",
        "_exchange",
        "_is_blocked",
        "_is_closing",
        "_is_held",
        "_is_pausing",
        "_pipelined",
        "_reader",
        "_server",
        "_unsent",
        "_waits_for",
        "connections",
        "peer",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, connections: Registry) -> None:
        self.connections = connections
        self._exchange: Exchange | None = None
        self._reader: HeadReader | None = None
        self._body: Body | None = None
        self._data = b""
        self._at = 0
        self._waits_for: For | None = None
        self._is_blocked = False
        self._is_held = False
        self._is_pausing = False
        self._pipelined = 0
        self._is_closing = False
        self._unsent = 0

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self.transport = cast("asyncio.Transport", transport)
        self.peer: Peer = (transport.get_extra_info("peername") or ("", 0))[:2]
        self._server: Peer = (transport.get_extra_info("sockname") or ("", 0))[:2]
        self.connections.opened(self, self.peer)
        if not self._is_closing:
            self._wait(For.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the running request that its client has disconnected."""
        self._is_closing = True
        self.connections.closed(self, self.peer)
        if self._exchange is not None:
            self._exchange.disconnect()
            self._exchange = None

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._is_closing:
            self._hold(len(data) >= MAX_PIPELINED_BYTES)  # the client can read its answer but not send more
            return
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0
        self._advance()

    def pause_writing(self) -> None:
        """Serve no further request until the client has read."""
        self._is_blocked = True
        self._unsent = self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Serve requests again."""
        self._is_blocked = False
        if not self._is_closing:
            self._advance()

    # Called by Connections

    def close(self) -> None:
        """Close the connection after all written data is sent."""
        self._is_closing = True
        self._wait(For.END)
        self.transport.close()

    def turn_away(self, kind: ProblemType) -> None:
        """Send `kind` as the answer on a new connection and close it."""
        self.transport.write(answers.problem(kind, self.connections.prefix))
        self.close()

    def abort(self) -> None:
        """Close at once."""
        self._is_closing = True
        self.transport.abort()

    def cancel(self, kind: ProblemType) -> None:
        """Cancel the running request, answer it with `kind`, and close the connection."""
        if self._exchange is not None and not self._exchange.is_answered:
            self._exchange.cancel(kind)
        else:
            self.close()

    def time_out(self) -> None:
        """End a wait that has taken too long."""
        waited_for = self._waits_for
        if waited_for is For.READER:
            unsent = self.transport.get_write_buffer_size()
            if self._unsent - unsent >= MIN_WRITE_BYTES:
                self._unsent = unsent
                self._wait(For.READER)
            else:
                self.abort()
        elif waited_for is For.END:
            self.abort()
        elif waited_for is For.BODY and self._exchange is not None and not self._exchange.is_answered:
            self._exchange.cancel(REQUEST_TIMEOUT)
        elif waited_for is For.HEAD and self._reader is not None and self._reader.has_begun:
            self.refuse(REQUEST_TIMEOUT)
        else:
            self.close()

    def refuse(self, kind: ProblemType) -> None:
        """Send `kind` instead of an answer of the application, and close the connection."""
        if not self._is_closing:
            self.transport.write(answers.problem(kind, self.connections.prefix))
            self._finish()

    # Called by Exchange

    def permit(self, exchange: Exchange) -> None:
        """Let the client send the body if it waits for permission (RFC 9110 section 10.1.1)."""
        if exchange.head.expects_continue and not self._is_closing:
            exchange.head.expects_continue = False
            self.transport.write(CONTINUE)

    def pace(self) -> None:
        """Stop reading while too much data waits."""
        waiting = len(self._data) - self._at
        if self._exchange is not None and not self._exchange.is_answered:  # data that nobody will read is not kept
            waiting = max(waiting, self._exchange.unread)
        self._hold(waiting > MAX_PIPELINED_BYTES)

    def answer(self, exchange: Exchange, status: int, headers: answers.Headers, body: bytes) -> None:
        """Send the answer; then take the next request, or close."""
        if self._exchange is not exchange or self._is_closing:
            return
        head, rest = exchange.head, self._body
        is_kept = head.keep_alive and not self.connections.is_stopping
        if rest is not None and (head.expects_continue or rest.is_longer_than(MAX_UNREAD_BODY_BYTES)):
            is_kept = False
        data = answers.head(status, headers, body, is_kept, head.version)
        if head.method == "HEAD":
            body = b""
        if len(body) > answers.COPIED_BYTES:
            self.transport.writelines([data, body])  # the same bytes serve all requests for a page
        else:
            self.transport.write(data + body)
        if not is_kept:
            self._exchange = None
            self._finish()
            return
        if rest is None:
            self._exchange = None
        if self._at >= len(self._data):
            self._pipelined = 0
        elif not self._is_blocked:
            self._pipelined += 1
            if self._pipelined <= MAX_PIPELINED_AT_ONCE:
                self._advance()
                return
            self._is_pausing = True
            asyncio.get_running_loop().call_later(PIPELINE_PAUSE_SECONDS, self._go_on)
        self._settle()

    def failed(self, exchange: Exchange, kind: ProblemType) -> None:
        """Answer with `kind` because the application has not answered, and close the connection."""
        if self._exchange is exchange:
            self._exchange = None
            self.refuse(kind)

    # Internal

    def _advance(self) -> None:
        """Process as much of the received data as possible."""
        try:
            while self._at < len(self._data) and not self._is_closing:
                if self._body is not None:
                    self._read_body(self._body)
                elif self._exchange is not None or self._is_blocked or self._is_pausing or not self._read_head():
                    break
        except Refused as refused:
            if self._exchange is not None and not self._exchange.is_answered:
                self._exchange.cancel(refused.kind)
            elif self._exchange is not None:
                self.close()  # the request is answered already; a second answer would belong to the next request
            else:
                self.refuse(refused.kind)
            return
        if not self._is_closing:
            self._settle()

    def _go_on(self) -> None:
        self._is_pausing = False
        self._advance()

    def _read_head(self) -> bool:
        """Continue reading the head; return whether it is complete and the request has begun."""
        if self._reader is None:
            self._reader = HeadReader()
        head, self._at = self._reader.feed(self._data, self._at)
        if head is None:
            return False
        self._reader = None
        self._begin(head)
        return True

    def _begin(self, head: Head) -> None:
        if head.method == "CONNECT":
            raise Refused(BAD_REQUEST)
        if head.length != 0:
            self._body = ChunkedBody() if head.length is None else LengthBody(head.length)
            self._wait(None)  # restarts the time for the body
        scope = scope_of(head, self.peer, self._server)
        self._exchange = exchange = Exchange(self, head, self._body is None)
        self.connections.running.add(exchange)
        refused = self.connections.refuse(scope)
        if refused is not None:
            exchange.refuse(refused)
            return
        loop = asyncio.get_running_loop()
        # In a context of its own; otherwise a request would inherit the variables of the previous one.
        exchange.task = loop.create_task(exchange.run(self.connections, scope), context=Context())

    def _read_body(self, body: Body) -> None:
        part, self._at = body.feed(self._data, self._at)
        exchange = cast("Exchange", self._exchange)
        if body.is_complete:
            self._body = None
        if not exchange.is_answered:
            exchange.take(part, is_complete=body.is_complete)
        elif body.is_complete:
            self._exchange = None  # it was answered before its body was complete

    def _settle(self) -> None:
        """Record what the connection waits for now, and pause or resume reading."""
        if self._is_blocked:
            what: For | None = For.READER
        elif self._body is not None:
            what = For.BODY
        elif self._exchange is not None:
            what = None
        elif self._reader is not None and self._reader.has_begun:
            what = For.HEAD
        else:
            what = For.HEAD if self._waits_for is For.HEAD else For.REQUEST
        if what is not self._waits_for:
            self._wait(what)
        self.pace()

    def _hold(self, wanted: bool) -> None:
        if wanted is self._is_held or self.transport.is_closing():
            return
        self._is_held = wanted
        if wanted:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _wait(self, what: For | None) -> None:
        self.connections.waiting.move(self, self._waits_for, what)
        self._waits_for = what

    def _finish(self) -> None:
        """Close the connection so that the client can still read the last answer (RFC 9112 section 9.6)."""
        self._is_closing = True
        self._data, self._at = b"", 0
        self._wait(For.END)
        if self.transport.can_write_eof():
            self.transport.write_eof()
