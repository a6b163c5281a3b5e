"""A TCP proxy that can hold back what passes through it, as a network does that swallows packets."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

UP, DOWN = "up", "down"
"""From the client to the server, and back."""


class FreezingProxy:
    """Takes connections on `port` and passes them on to `target`. Connections are taken also while it is frozen."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)

    async def _start(self) -> None:
        for gate in self._open.values():
            gate.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(far_writer)
        for way, source, sink in ((UP, reader, far_writer), (DOWN, far_reader, writer)):
            task = self._loop.create_task(self._pass_on(way, source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, way: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._open[way].wait()
                sink.write(data)
                await sink.drain()
            await self._open[way].wait()
        except OSError:
            pass
        finally:
            sink.close()
            self._writers.discard(sink)

    def freeze(self, *ways: str) -> None:
        """Hold everything back from now on; `ways`: only what goes there."""
        for way in ways or (UP, DOWN):
            self._loop.call_soon_threadsafe(self._open[way].clear)

    def thaw(self) -> None:
        """Pass on what was held back, and all that comes."""
        for gate in self._open.values():
            self._loop.call_soon_threadsafe(gate.set)

    def refuse(self) -> None:
        """Take no more connections, and end those that there are."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self._loop).result(20)

    async def _refuse(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def accept(self) -> None:
        """Take connections again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._accept(), self._loop).result(20)

    async def _accept(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def close(self) -> None:
        async def end() -> None:
            await self._refuse()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@contextmanager
def proxied(target: tuple[str, int]) -> Iterator[FreezingProxy]:
    proxy = FreezingProxy(target)
    try:
        yield proxy
    finally:
        proxy.thaw()
        proxy.close()
