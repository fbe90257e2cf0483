"""As much AMQP 0-9-1 as an observer needs: publish, count, look at dead letters.

    frame:  type (1) │ channel (2) │ size (4) │ payload │ 0xCE
    method: class (2) │ method (2) │ arguments

One connection per use, nothing kept: the broker may be killed between any two calls.
Source: AMQP 0-9-1 specification, sections 2.3 (framing), 4.2 (formats); RabbitMQ's confirms.
"""

import socket
import struct

Address = tuple[str, int]

_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_END = b"\xce"
ANSWER_WITHIN = 10.0


class BrokerError(Exception):
    """The broker said no, or nothing."""


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


class Broker:
    """An open channel as guest. Use as a context."""

    def __init__(self, address: Address):
        try:
            self._socket = socket.create_connection(address, timeout=ANSWER_WITHIN)
            self._file = self._socket.makefile("rb")
            self._open()
        except OSError as error:
            raise BrokerError(str(error)) from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def _open(self) -> None:
        self._socket.sendall(b"AMQP\0\0\x09\x01")
        self._expect(10, 10)
        answer = b"\0guest\0guest"
        self._send(0, 10, 11, struct.pack("!I", 0) + _short("PLAIN")
                   + struct.pack("!I", len(answer)) + answer + _short("en_US"))
        self._expect(10, 30)
        self._send(0, 10, 31, struct.pack("!HIH", 2047, 131072, 0))
        self._send(0, 10, 40, _short("/") + _short("") + b"\0")
        self._expect(10, 41)
        self._send(1, 20, 10, _short(""))
        self._expect(20, 11)

    # Frames

    def _frame(self, kind: int, channel: int, payload: bytes) -> bytes:
        return struct.pack("!BHI", kind, channel, len(payload)) + payload + _END

    def _send(self, channel: int, class_id: int, method_id: int, arguments: bytes) -> None:
        self._socket.sendall(self._frame(
            _METHOD, channel, struct.pack("!HH", class_id, method_id) + arguments))

    def _receive(self) -> tuple[int, bytes]:
        try:
            while True:
                head = self._file.read(7)
                if len(head) < 7:
                    raise BrokerError("the broker has closed the connection")
                kind, _, size = struct.unpack("!BHI", head)
                payload = self._file.read(size + 1)[:-1]
                if kind != _HEARTBEAT:
                    return kind, payload
        except OSError as error:
            raise BrokerError(str(error)) from error

    def _expect(self, class_id: int, *method_ids: int) -> tuple[int, bytes]:
        """The next method, which must be one of these: its id and arguments."""
        _, payload = self._receive()
        found = struct.unpack("!HH", payload[:4])
        if found[0] != class_id or found[1] not in method_ids:
            raise BrokerError(f"expected {class_id}.{method_ids}, got {found}: {payload[4:]!r}")
        return found[1], payload[4:]

    # What an observer does

    def depth(self, queue: str) -> int:
        """Ready messages; 0 for a queue that does not exist (the channel is gone then)."""
        self._send(1, 50, 10, struct.pack("!H", 0) + _short(queue) + b"\x01" + b"\0\0\0\0")
        _, payload = self._receive()
        if struct.unpack("!HH", payload[:4]) == (50, 11):
            length = payload[4]
            return struct.unpack("!I", payload[5 + length:9 + length])[0]
        # 404: the broker has closed the channel.
        self._send(1, 20, 41, b"")
        self._send(1, 20, 10, _short(""))
        self._expect(20, 11)
        return 0

    def publish(self, queue: str, body: bytes, content_type: str = "application/json") -> None:
        """Persistent, confirmed."""
        self._send(1, 85, 10, b"\0")
        self._expect(85, 11)
        self._send(1, 60, 40, struct.pack("!H", 0) + _short("") + _short(queue) + b"\0")
        # Flags: content type (bit 15), delivery mode (bit 12).
        properties = struct.pack("!H", 0x9000) + _short(content_type) + b"\x02"
        data = self._frame(_HEADER, 1, struct.pack("!HHQ", 60, 0, len(body)) + properties)
        for offset in range(0, len(body), 131064):
            data += self._frame(_BODY, 1, body[offset:offset + 131064])
        self._socket.sendall(data)
        kind, payload = self._receive()
        if kind != _METHOD or struct.unpack("!HH", payload[:4]) != (60, 80):
            raise BrokerError(f"publish to {queue} was not confirmed: {payload[:4]!r}")

    def take_all(self, queue: str) -> list[bytes]:
        """The bodies of all messages of a queue; they stay there, because nothing is acked."""
        bodies = []
        for _ in range(self.depth(queue)):
            self._send(1, 60, 70, struct.pack("!H", 0) + _short(queue) + b"\0")
            method, _ = self._expect(60, 71, 72)
            if method == 72:
                break
            _, header = self._receive()
            size, body = struct.unpack("!Q", header[4:12])[0], b""
            while len(body) < size:
                body += self._receive()[1]
            bodies.append(body)
        return bodies
