"""The three transports, each on bare sockets: bytes out, whole batches in.

    WebSockets         one upgraded connection          message  = batch
    ServerSentEvents   GET that never ends, and POSTs   event    = batch
    LongPolling        GETs one behind another, POSTs   body     = batch

`receive` gives the next batch or raises: PeerClosed at the end of the transport, NothingCame when
the time is over, after which it can be called again and loses nothing.
Source: SignalR TransportProtocols.
"""

import select
import socket
import struct
import time
from dataclasses import dataclass, field

from support.deadline import Deadline
from support.http_wire import ANSWER_WITHIN, PeerClosed, Response, Wire, parse_head, request
from support.websocket_wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Refused, WebSocket

NO_CACHE = {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache",
            "Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}


@dataclass
class Endpoint:
    """Where requests of one connection go, and as whom. `addresses` are used in turn."""

    addresses: list[tuple[str, int]]
    path: str
    token: str | None = None
    query: str = ""
    headers: dict = field(default_factory=dict)
    _turn: int = 0

    @property
    def address(self) -> tuple[str, int]:
        """The address of the next request: with several pods, the next pod."""
        self._turn += 1
        return self.addresses[(self._turn - 1) % len(self.addresses)]

    def target(self, extra: str = "") -> str:
        named = f"id={self.token}" if self.token else ""
        query = "&".join(part for part in (self.query, named, extra) if part)
        return f"{self.path}?{query}" if query else self.path

    def post(self, body: bytes, content_type: str = "text/plain;charset=UTF-8") -> Response:
        return request(self.address, "POST", self.target(),
                       {"Content-Type": content_type, **self.headers}, body)

    def delete(self) -> Response:
        return request(self.address, "DELETE", self.target(), self.headers)


class WebSockets:
    name = "WebSockets"

    def __init__(self, endpoint: Endpoint, is_binary: bool):
        self.endpoint, self.is_binary = endpoint, is_binary
        self.socket = WebSocket(endpoint.address, endpoint.target(), endpoint.headers)
        self.close_frame = None
        self.answers_close = True
        self.opcodes: list[int] = []
        self.fragments: list[int] = []
        self._partial = b""

    @property
    def wire(self) -> Wire:
        return self.socket.wire

    def send(self, data: bytes, opcode: int | None = None, **options) -> None:
        default = BINARY if self.is_binary else TEXT
        self.socket.send(default if opcode is None else opcode, data, **options)

    def receive(self, within: float = ANSWER_WITHIN) -> bytes:
        deadline = Deadline(within)
        while True:
            frame = self.socket.receive(deadline.left())
            if frame.opcode == PING:
                self.socket.send(PONG, frame.payload)
            elif frame.opcode == CLOSE:
                self.close_frame = frame
                if self.answers_close:
                    self.socket.send(CLOSE, frame.payload[:2])
                raise PeerClosed(b"")
            elif frame.opcode != PONG:
                if frame.opcode != CONTINUATION:
                    self.opcodes.append(frame.opcode)
                self.fragments.append(len(frame.payload))
                self._partial += frame.payload
                if frame.is_final:
                    whole, self._partial = self._partial, b""
                    return whole

    def stop(self) -> None:
        """As a browser does: a close frame without a code."""
        self.socket.send(CLOSE)

    def drop(self) -> None:
        self.socket.wire.close()

    def reset(self) -> None:
        reset(self.socket.wire.socket)


class ServerSentEvents:
    name = "ServerSentEvents"

    def __init__(self, endpoint: Endpoint, is_binary: bool, wire: Wire | None = None):
        self.endpoint = endpoint
        self.wire = wire or Wire(endpoint.address)
        fields = {"Host": "localhost", "Accept": "text/event-stream", **endpoint.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.wire.send(f"GET {endpoint.target()} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        deadline = Deadline(ANSWER_WITHIN)
        self.head = parse_head(self.wire.take_through(b"\r\n\r\n", deadline))
        if self.head.status != 200:
            length = int(self.head.header("Content-Length") or 0)
            self.head.body = self.wire.take(length, deadline)
            self.wire.close()
            raise Refused(self.head)
        self._is_chunked = (self.head.header("Transfer-Encoding") or "").lower() == "chunked"
        self._text = b""
        self.raw = b""
        self._is_opened = False

    def send(self, data: bytes) -> None:
        answer = self.endpoint.post(data)
        assert (answer.status, answer.body) == (200, b""), answer

    def receive(self, within: float = ANSWER_WITHIN) -> bytes:
        deadline = Deadline(within)
        if not self._is_opened:
            while not self._text.startswith(b":\r\n"):
                assert b":\r\n".startswith(self._text), self._text
                self._more(deadline)
            self._text, self._is_opened = self._text[3:], True
        while b"\r\n\r\n" not in self._text:
            self._more(deadline)
        event, self._text = self._text.split(b"\r\n\r\n", 1)
        lines = event.split(b"\r\n")
        assert all(line.startswith(b"data: ") for line in lines), event
        return b"\n".join(line.removeprefix(b"data: ") for line in lines)

    def _more(self, deadline: Deadline) -> None:
        """At least one byte more of the body, or PeerClosed at its end."""
        if not self._is_chunked:
            if not self.wire.buffer:
                self.wire.more(deadline)
            piece, self.wire.buffer = self.wire.buffer, b""
        else:
            while not (size := _whole_chunk(self.wire.buffer)):
                self.wire.more(deadline)
            chunk = self.wire.take(size, deadline)
            piece = chunk[chunk.index(b"\r\n") + 2:-2]
            if not piece:
                raise PeerClosed(self._text)
        self._text += piece
        self.raw += piece

    def stop(self) -> None:
        self.wire.close()

    drop = stop


def _whole_chunk(buffer: bytes) -> int:
    """Bytes of the chunk at the start of the buffer, 0 while it is incomplete."""
    head, mark, _ = buffer.partition(b"\r\n")
    if not mark:
        return 0
    size = len(head) + 2 + int(head.split(b";")[0], 16) + 2
    return size if len(buffer) >= size else 0


class LongPolling:
    name = "LongPolling"

    def __init__(self, endpoint: Endpoint, is_binary: bool):
        self.endpoint = endpoint
        self._content_type = ("application/octet-stream" if is_binary
                              else "text/plain;charset=UTF-8")
        self._poll: Wire | None = None
        self.answers: list[Response] = []
        first = self._answer(Deadline(ANSWER_WITHIN))
        if first.status != 200:
            raise Refused(first)
        assert first.body == b"", first

    def send(self, data: bytes) -> None:
        answer = self.endpoint.post(data, self._content_type)
        assert (answer.status, answer.body) == (200, b""), answer

    @property
    def wire(self) -> Wire:
        """Of the poll that is under way."""
        return self._poll

    def begin_poll(self) -> None:
        """Sends the next poll, if none is under way."""
        if self._poll is None:
            self._poll = Wire(self.endpoint.address)
            fields = {"Host": "localhost", **self.endpoint.headers}
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            # The number is the official client's, against caches.
            target = self.endpoint.target(f"_={int(time.time() * 1000)}")
            self._poll.send(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))

    def _answer(self, deadline: Deadline) -> Response:
        """The answer to the poll. A wait that runs out leaves the poll standing."""
        self.begin_poll()
        # Nothing is taken before the answer is whole, so that the wait can be repeated.
        while (size := _whole_response(self._poll.buffer)) is None:
            self._poll.more(deadline)
        assert len(self._poll.buffer) == size, self._poll.buffer
        answer = self._poll.read_response(within=ANSWER_WITHIN)
        self._poll.close()
        self._poll = None
        self.answers.append(answer)
        return answer

    def receive(self, within: float = ANSWER_WITHIN) -> bytes:
        deadline = Deadline(within)
        while True:
            answer = self._answer(deadline)
            if answer.status == 204:
                raise PeerClosed(b"")
            assert answer.status == 200, answer
            if answer.body:
                return answer.body

    def stop(self) -> None:
        self.endpoint.delete()
        self.drop()

    def drop(self) -> None:
        if self._poll is not None:
            self._poll.close()
            self._poll = None


def _whole_response(buffer: bytes) -> int | None:
    """Bytes of the response at the start of the buffer, None while it is incomplete."""
    head, mark, body = buffer.partition(b"\r\n\r\n")
    if not mark:
        return None
    length = int(parse_head(head + mark).header("Content-Length") or 0)
    return len(head) + 4 + length if len(body) >= length else None


def reset(connection: socket.socket) -> None:
    """Ends a TCP connection by a reset: closing with nothing to linger for sends RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def is_reset(connection: socket.socket) -> bool:
    """Whether the peer has cut a TCP connection; nothing is read."""
    poll = select.poll()
    poll.register(connection, 0)
    return poll.poll(0) != []


TRANSPORTS = {each.name: each for each in (WebSockets, ServerSentEvents, LongPolling)}
