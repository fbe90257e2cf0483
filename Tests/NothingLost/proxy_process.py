"""The fault proxy's own process: one event loop, a task per connection and direction.

    pipe ─▶ command ─▶ _Link ─┬─ _Connection ─┬─ _Lane up:   recv ─▶ gate ─▶ bite ─▶ send
                              │               └─ _Lane down: recv ─▶ gate ─▶ bite ─▶ send
                              └─ …

A lane reads only when it may write on: a stall or a slow link is felt by the sender, as on a wire.
`faultproxy` is the other end of the pipe and says what each mode does.
"""

import asyncio
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass, field

Address = tuple[str, int]

UP, DOWN, BOTH = "up", "down", "both"
READ_MAX = 65536
# Bytes that a delay may hold per direction before the sender feels it.
DELAYED_MAX = 1 << 20
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Counts:
    """What a link has done since it was made."""
    opened: int = 0
    # Connects that were not let through.
    refused: int = 0
    held: int = 0
    # Connections ended by us.
    cut: int = 0
    # Connections that the server's end closed first.
    broken: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    # Bytes that a mode kept back, threw away, delayed or chopped.
    bytes_bitten: int = 0

    def since(self, earlier: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) - getattr(earlier, name)
                         for name in self.__dataclass_fields__})

    def bites(self) -> int:
        """How often a fault met traffic."""
        return self.refused + self.held + self.cut + self.broken + self.bytes_bitten


@dataclass
class Mode:
    """What happens to bytes and connects now; a plain `Mode()` passes everything."""
    refuse: bool = False
    hold: bool = False
    stall: set[str] = field(default_factory=set)
    lose: set[str] = field(default_factory=set)
    # Seconds; each chunk waits delay ± jitter, in order.
    delay: float = 0
    jitter: float = 0
    # Bytes per second and direction; 0 is no limit.
    rate: int = 0
    # Largest write; 0 is no limit.
    slice: int = 0

    def is_plain(self) -> bool:
        return not (self.stall or self.lose or self.delay or self.rate or self.slice)


def serve(pipe, parents_end, seed: int) -> None:
    # The parent's end is inherited; as long as it is open here, its close is not noticed.
    parents_end.close()
    asyncio.run(_Proxy(pipe, seed).run())


class _Proxy:
    def __init__(self, pipe, seed: int):
        self._pipe = pipe
        self._random = random.Random(seed)
        self._links: dict[str, _Link] = {}
        self._done = asyncio.Event()

    async def run(self) -> None:
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._command)
        await self._done.wait()

    def _command(self) -> None:
        try:
            link, method, arguments = self._pipe.recv()
        except (EOFError, OSError):
            self._done.set()
            return
        try:
            if method == "open":
                name, server, port = arguments
                self._links[name] = _Link(tuple(server), port, self._random)
                value = self._links[name].address
            else:
                value = getattr(self._links[link], method)(*arguments)
            self._pipe.send(("value", value))
        except Exception as error:
            self._pipe.send(("error", repr(error)))


class _Link:
    def __init__(self, server: Address, port: int, source: random.Random):
        self.server, self.random = server, source
        self.mode, self.counts = Mode(), Counts()
        self.connections: set[_Connection] = set()
        self.changed = asyncio.Event()
        self.address: Address = ("127.0.0.1", port)
        self._listen()

    # Commands

    def passes(self) -> None:
        holes = self.mode.lose
        self._become(Mode())
        for connection in list(self.connections):
            if holes and connection.has_hole:
                self._end(connection, reset=True)
        self._listen()

    def refuse(self) -> None:
        self.mode.refuse = True
        if self._accepting:
            self._accepting.cancel()
            self._accepting = None
            self._socket.close()

    def hold(self) -> None:
        self.mode.hold = True

    def stall(self, direction: str) -> None:
        self.mode.stall |= _directions(direction)

    def lose(self, direction: str) -> None:
        self.mode.lose |= _directions(direction)
        self._become(self.mode)

    def slow(self, delay: float, jitter: float, rate: int, size: int) -> None:
        mode = self.mode
        mode.delay, mode.jitter, mode.rate, mode.slice = delay, jitter, rate, size
        self._become(mode)

    def trunc(self, count: int, direction: str) -> None:
        for connection in self.connections:
            for name in _directions(direction):
                connection.lanes[name].budget = count

    def cut(self) -> int:
        return self._end_all(reset=True)

    def fin(self) -> int:
        return self._end_all(reset=False)

    def half(self) -> int:
        for connection in self.connections:
            connection.lanes[DOWN].finish()
        self.counts.cut += len(self.connections)
        return len(self.connections)

    def counts_now(self) -> Counts:
        return self.counts

    # Connections

    _accepting: asyncio.Task | None = None

    def _listen(self) -> None:
        if self._accepting:
            return
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(self.address)
        self._socket.listen(512)
        self._socket.setblocking(False)
        self.address = self._socket.getsockname()
        self._accepting = asyncio.get_running_loop().create_task(self._accept(self._socket))

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listening)
            _prepare(client)
            connection = _Connection(self, client)
            self.connections.add(connection)
            connection.task = loop.create_task(connection.run())

    def _become(self, mode: Mode) -> None:
        self.mode = mode
        self.changed.set()
        self.changed = asyncio.Event()

    def _end_all(self, reset: bool) -> int:
        ended = list(self.connections)
        for connection in ended:
            self._end(connection, reset)
        return len(ended)

    def _end(self, connection: "_Connection", reset: bool) -> None:
        self.counts.cut += 1
        connection.end(reset)


class _Connection:
    def __init__(self, link: _Link, client: socket.socket):
        self.link, self.client = link, client
        self.server: socket.socket | None = None
        self.lanes: dict[str, _Lane] = {UP: _Lane(self, UP), DOWN: _Lane(self, DOWN)}
        self.has_hole = False
        self.task: asyncio.Task | None = None

    async def run(self) -> None:
        link, loop = self.link, asyncio.get_running_loop()
        lanes: list[asyncio.Task] = []
        try:
            if link.mode.hold:
                link.counts.held += 1
            while link.mode.hold:
                await link.changed.wait()
            self.server = socket.socket()
            _prepare(self.server)
            try:
                await loop.sock_connect(self.server, link.server)
            except OSError:
                link.counts.refused += 1
                raise
            link.counts.opened += 1
            lanes = [loop.create_task(self.lanes[UP].run(self.client, self.server)),
                     loop.create_task(self.lanes[DOWN].run(self.server, self.client))]
            await asyncio.gather(*lanes)
            self._close(reset=False)
        except OSError:
            # Refused by the server or reset by either end: the other end hears it the same way.
            self._close(reset=True)
        except asyncio.CancelledError:
            pass  # `end` has closed it.
        finally:
            link.connections.discard(self)
            for lane in lanes:
                lane.cancel()
            for lane in self.lanes.values():
                lane.stop()

    def end(self, reset: bool) -> None:
        self._close(reset)
        self.link.connections.discard(self)
        self.task.cancel()
        for lane in self.lanes.values():
            lane.stop()

    def _close(self, reset: bool) -> None:
        for end in (self.client, self.server):
            if end is None or end.fileno() < 0:
                continue
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            # A closed descriptor's number may be given out again at once.
            asyncio.get_running_loop().remove_reader(end)
            asyncio.get_running_loop().remove_writer(end)
            end.close()


class _Lane:
    """One direction of one connection."""

    def __init__(self, connection: _Connection, direction: str):
        self.connection, self.direction = connection, direction
        # Bytes until the reset; None: no limit.
        self.budget: int | None = None
        self._delayed: deque[tuple[float, bytes]] = deque()
        self._delayed_count = 0
        self._sender: asyncio.Task | None = None
        self._sink: socket.socket | None = None
        self._is_finished = False
        # Its source has closed.
        self.has_ended = False

    async def run(self, source: socket.socket, sink: socket.socket) -> None:
        loop, link = asyncio.get_running_loop(), self.connection.link
        self._sink = sink
        while data := await loop.sock_recv(source, READ_MAX):
            if self._is_finished:
                continue
            await self._wait_while_stalled(len(data))
            if self.direction == UP:
                link.counts.bytes_up += len(data)
            else:
                link.counts.bytes_down += len(data)
            if self.direction in link.mode.lose:
                self.connection.has_hole = True
                link.counts.bytes_bitten += len(data)
            elif link.mode.is_plain() and self.budget is None and not self._delayed:
                await loop.sock_sendall(sink, data)
            else:
                await self._bite(data)
        await self._wait_while_stalled(0)
        if self._sender:
            await self._sender
        if self.direction == DOWN and not self.connection.lanes[UP].has_ended:
            link.counts.broken += 1
        self.has_ended = True
        self.finish()

    def finish(self) -> None:
        """Tells the sink that nothing more comes."""
        if self._is_finished or self._sink is None:
            return
        self._is_finished = True
        try:
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The other end was faster.

    def stop(self) -> None:
        if self._sender:
            self._sender.cancel()

    async def _wait_while_stalled(self, count: int) -> None:
        link = self.connection.link
        if self.direction in link.mode.stall:
            link.counts.bytes_bitten += count
        while self.direction in link.mode.stall:
            await link.changed.wait()

    async def _bite(self, data: bytes) -> None:
        link = self.connection.link
        link.counts.bytes_bitten += len(data)
        if self.budget is not None:
            data, self.budget = data[:self.budget], self.budget - len(data)
            if self.budget < 0:
                await asyncio.get_running_loop().sock_sendall(self._sink, data)
                # The reset would overtake what the kernel still holds.
                await asyncio.sleep(0.02)
                link.counts.cut += 1
                self.connection.end(reset=True)
                raise asyncio.CancelledError
        mode = link.mode
        wait = max(0.0, mode.delay + link.random.uniform(-mode.jitter, mode.jitter))
        self._delayed.append((asyncio.get_running_loop().time() + wait, data))
        self._delayed_count += len(data)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_delayed())
        while self._delayed_count > DELAYED_MAX:
            await asyncio.sleep(0.01)

    async def _send_delayed(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._delayed:
                due, data = self._delayed[0]
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                await self._send_slowly(data)
                self._delayed.popleft()
                self._delayed_count -= len(data)
        except OSError:
            # The reader of this connection finds out by itself.
            self._delayed.clear()
            self._delayed_count = 0

    async def _send_slowly(self, data: bytes) -> None:
        loop, link = asyncio.get_running_loop(), self.connection.link
        offset = 0
        while offset < len(data):
            mode = link.mode
            size = mode.slice or (max(1, mode.rate // 50) if mode.rate else len(data))
            piece = data[offset:offset + size]
            offset += len(piece)
            await loop.sock_sendall(self._sink, piece)
            if mode.rate:
                await asyncio.sleep(len(piece) / mode.rate)
            elif mode.slice:
                # Lets the reader see the piece alone.
                await asyncio.sleep(0)


def _directions(direction: str) -> set[str]:
    return {UP, DOWN} if direction == BOTH else {direction}


def _prepare(end: socket.socket) -> None:
    end.setblocking(False)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
