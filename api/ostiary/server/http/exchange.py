"""One request and its answer, as an ASGI application receives and sends them."""

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from ostiary.core.early_answer import EarlyAnswer
from ostiary.core.problems import SERVICE_FAILED, ProblemType
from ostiary.server.http import answers
from ostiary.server.http.heads import Head

if TYPE_CHECKING:
    from ostiary.server.http.connection import Connection
    from ostiary.server.http.connections import Connections

log = structlog.stdlib.get_logger(__name__)

Message = dict[str, Any]
Peer = tuple[str, int]
"""Address and port."""


def scope_of(head: Head, client: Peer, server: Peer) -> dict[str, Any]:
    """Return the ASGI scope of a request that `client` sent to the address `server`."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "scheme": "http",
        "path": answers.path_of(head.path),
        "raw_path": head.path,
        "query_string": head.query,
        "root_path": "",
        "headers": head.headers,
        "client": client,
        "server": server,
    }


class Exchange:
    """The two channels of ASGI for one request: `receive` and `send`."""

    __slots__ = (
        "_chunks",
        "_connection",
        "_has_begun",
        "_has_ended",
        "_headers",
        "_instead",
        "_is_complete",
        "_is_gone",
        "_status",
        "_timer",
        "_waiter",
        "head",
        "is_answered",
        "task",
        "unread",
    )

    task: "asyncio.Task[None]"

    def __init__(self, connection: "Connection", head: Head, is_complete: bool) -> None:
        self._connection = connection
        self.head = head
        self.is_answered = False
        self.unread = 0
        self._is_complete = is_complete
        self._has_begun = False
        self._has_ended = False
        self._is_gone = False
        self._chunks: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._instead: ProblemType | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []

    async def run(self, connections: "Connections", scope: dict[str, Any]) -> None:
        """Call the application. If it does not answer, answer in its place."""
        self._has_begun = True
        try:
            await connections.app(scope, self.receive, self.send)
        except asyncio.CancelledError:
            if self._instead is None:
                raise
        except Exception:
            log.exception("the application failed")
        finally:
            self._end(connections)

    def refuse(self, refused: EarlyAnswer) -> None:
        """Answer in place of the application, after the delay of the answer."""
        self._timer = asyncio.get_running_loop().call_later(refused.delay, self._answer_early, refused)

    def _answer_early(self, refused: EarlyAnswer) -> None:
        self.is_answered = True
        self._connection.connections.ended(self)
        self._connection.answer(self, refused.status, refused.headers, refused.body)

    async def receive(self) -> Message:
        """Return the next part of the body. After the body, wait and return the disconnect message."""
        while not self._is_gone:
            if self._chunks or (self._is_complete and not self._has_ended):
                body = b"".join(self._chunks)
                self._chunks.clear()
                self.unread = 0
                self._has_ended = self._is_complete
                self._connection.pace()
                return {"type": "http.request", "body": body, "more_body": not self._has_ended}
            if not self._is_complete:
                self._connection.permit(self)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the answer: first its start, then its body in one piece."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = message["headers"]
            return
        if message.get("more_body", False):
            raise NotImplementedError("an answer is sent as one body")
        self.is_answered = True
        self._connection.answer(self, self._status, self._headers, message.get("body", b""))

    def take(self, part: bytes, *, is_complete: bool) -> None:
        """Take a part of the body from the connection."""
        if part:
            self.head.expects_continue = False
            self._chunks.append(part)
            self.unread += len(part)
        self._is_complete = is_complete
        self._wake()

    def disconnect(self) -> None:
        """Notify the application that its client has disconnected."""
        self._is_gone = True
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
            self._connection.connections.ended(self)

    def cancel(self, kind: ProblemType) -> None:
        """Cancel the application and answer with `kind` in its place."""
        self._instead = kind
        if self._timer is not None:
            self._timer.cancel()
            self._end(self._connection.connections)
            return
        self.task.cancel()
        if not self._has_begun:  # a task that is cancelled before its first step runs none of its code
            self._end(self._connection.connections)

    def _end(self, connections: "Connections") -> None:
        connections.ended(self)
        if not self.is_answered:
            self._connection.failed(self, self._instead or SERVICE_FAILED)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
