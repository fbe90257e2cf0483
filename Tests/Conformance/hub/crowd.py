"""A thousand connections at once, every single request of them to the next pod.

    negotiate ──▶ pod 0    attach ──▶ pod 1    POST ──▶ pod 2    poll ──▶ pod 0 …

Each member remembers every push it has heard and every status it has seen. One loop of asyncio
drives them all; its requests are written by hand, so that nothing is retried or redirected.
"""

import asyncio
import base64
import collections
import itertools
import json
import os

from support.http_wire import parse_head
from support.websocket_wire import BINARY, CLOSE, TEXT, encode

from .client import handshake
from .process import HubServer

ANSWER_WITHIN = 30.0
SEPARATOR = b"\x1e"
# Connections that are being opened at the same time.
OPENING = 64


class Rotation:
    """The pods in turn."""

    def __init__(self, pods: list[HubServer]):
        self._addresses = itertools.cycle([pod.address for pod in pods])
        self.statuses: collections.Counter = collections.Counter()

    async def open(self):
        host, port = next(self._addresses)
        return await asyncio.open_connection(host, port)

    async def request(self, method: str, target: str, body: bytes = b"", headers: str = ""):
        """One request on a connection of its own: its status and body."""
        reader, writer = await self.open()
        try:
            writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}"
                         f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            head = parse_head(await reader.readuntil(b"\r\n\r\n"))
            length = int(head.header("Content-Length") or 0)
            self.statuses[head.status] += 1
            return head.status, await reader.readexactly(length)
        finally:
            writer.close()


class Member:
    """One connection with a finished handshake; `run` listens until the crowd has heard enough."""

    def __init__(self, rotation: Rotation, transport: str):
        self.rotation, self.transport = rotation, transport
        self.heard: list[str] = []
        self.id = self.target = ""
        self._reader = self._writer = None
        self._events = b""

    async def open(self) -> None:
        status, body = await self.rotation.request("POST", "/hub/negotiate?negotiateVersion=1")
        assert status == 200, status
        answer = json.loads(body)
        self.id, self.target = answer["connectionId"], f"/hub?id={answer['connectionToken']}"
        await {"WebSockets": self._upgrade, "ServerSentEvents": self._open_events,
               "LongPolling": self._poll}[self.transport]()
        await self.send(handshake())
        assert await self._receive() == [{}]

    async def _open_get(self, fields: str) -> None:
        self._reader, self._writer = await self.rotation.open()
        head = f"GET {self.target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
        self._writer.write(head.encode())
        head = parse_head(await self._reader.readuntil(b"\r\n\r\n"))
        self.rotation.statuses[head.status] += 1
        assert head.status in (101, 200), head
        self._is_chunked = head.header("Transfer-Encoding") is not None

    async def _upgrade(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        await self._open_get("Connection: Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n")

    async def _open_events(self) -> None:
        await self._open_get("Accept: text/event-stream\r\n")

    async def _poll(self) -> bytes:
        status, body = await self.rotation.request("GET", self.target)
        assert status == 200, status
        return body

    async def send(self, data: bytes) -> None:
        if self.transport == "WebSockets":
            self._writer.write(encode(TEXT, data))
            return
        status, _ = await self.rotation.request("POST", self.target, data)
        assert status == 200, status

    async def _receive(self) -> list[dict]:
        batch = b""
        while not batch:
            batch = await {"WebSockets": self._frame, "ServerSentEvents": self._event,
                           "LongPolling": self._poll}[self.transport]()
        assert batch.endswith(SEPARATOR), batch
        return [json.loads(record) for record in batch[:-1].split(SEPARATOR)]

    async def _frame(self) -> bytes:
        head = await self._reader.readexactly(2)
        opcode, size = head[0] & 0x0F, head[1]
        assert head[0] & 0x80 and opcode in (TEXT, BINARY), head
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        return await self._reader.readexactly(size)

    async def _event(self) -> bytes:
        while b"\r\n\r\n" not in self._events:
            if self._is_chunked:
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                piece = await self._reader.readexactly(size + 2)
                self._events += piece[:-2]
            else:
                piece = await self._reader.read(65536)
                self._events += piece
            assert piece, "the events have ended"
        event, self._events = self._events.split(b"\r\n\r\n", 1)
        return event.removeprefix(b":\r\n").removeprefix(b"data: ")

    async def hear(self, count: int) -> None:
        """Listens until it has heard that many pushes."""
        while len(self.heard) < count:
            for message in await self._receive():
                if message.get("type") == 1:
                    self.heard += message["arguments"]

    async def leave(self) -> None:
        if self.transport == "LongPolling":
            status, _ = await self.rotation.request("DELETE", self.target)
            assert status == 202, status
        elif self._writer is not None:
            if self.transport == "WebSockets":
                self._writer.write(encode(CLOSE))
            self._writer.close()


async def gather(rotation: Rotation, transport: str, count: int) -> list[Member]:
    """That many open connections."""
    members = [Member(rotation, transport) for _ in range(count)]
    room = asyncio.Semaphore(OPENING)

    async def open_one(member: Member) -> None:
        async with room:
            await asyncio.wait_for(member.open(), ANSWER_WITHIN)

    await asyncio.gather(*map(open_one, members))
    return members


async def each_hears(members: list[Member], count: int, within: float) -> None:
    await asyncio.wait_for(asyncio.gather(*(member.hear(count) for member in members)), within)
