"""The clients: hub connections, echo connections, and the publisher on Redis.

    Publisher ── PUBLISH ──▶ Redis ──▶ server ──▶ Client, Client, … each reads until it has it

Blocking sockets, read one after another: nothing is sent before everybody has what was sent before,
so that the server does the same work in the same order in every run.
"""

import socket
import ssl
import struct
from urllib.parse import quote

from support import tokens

ANSWER_WITHIN = 60  # seconds; under callgrind
RECORD_BYTES = 200
_HUB = "/hubs/order-status"
_CHANNEL = "OrderNotification.Worker.Hubs.OrderStatusHub:all"
_MASK = b"\x01\x02\x03\x04"

_trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_trusting.check_hostname = False
_trusting.verify_mode = ssl.CERT_NONE


def header(count: int, mask_bit: int = 0, opcode: int = 1) -> bytes:
    """The head of one whole frame (RFC 6455 section 5.2)."""
    if count < 126:
        return bytes([0x80 | opcode, mask_bit | count])
    return bytes([0x80 | opcode, mask_bit | 126]) + struct.pack("!H", count)


def masked(payload: bytes) -> bytes:
    key = (_MASK * (len(payload) // 4 + 1))[:len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return header(len(payload), 0x80) + _MASK + mixed.to_bytes(len(payload), "big")


HANDSHAKE = masked(b'{"protocol":"json","version":1}\x1e')
HANDSHAKE_ANSWER = header(3) + b"{}\x1e"
PING = header(11) + b'{"type":6}\x1e'
CLIENT_PING = masked(b'{"type":6}\x1e')


class Client:
    """One WebSocket."""

    def __init__(self, port: int, tls: bool, target: str = "/"):
        wire = socket.create_connection(("127.0.0.1", port), ANSWER_WITHIN)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = _trusting.wrap_socket(wire) if tls else wire
        self.rest = b""
        self.wire.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.receive(b"\r\n\r\n")

    @classmethod
    def hub(cls, port: int, tls: bool, user: str) -> "Client":
        """A hub connection with a finished handshake. The floor reads no token."""
        made = cls(port, tls, f"{_HUB}?access_token={quote(tokens.token_for(user))}")
        made.wire.sendall(HANDSHAKE)
        made.receive(HANDSHAKE_ANSWER)
        return made

    def receive(self, expected: bytes) -> None:
        """Reads until `expected` has come; drops what came before it, which can only be pings."""
        while (at := self.rest.find(expected)) < 0:
            try:
                came = self.wire.recv(65536)
            except TimeoutError:
                raise TimeoutError(f"the server does not send {expected!r}") from None
            if not came:
                raise ConnectionError(f"the server closed a connection after {self.rest!r}")
            self.rest += came
        self.rest = self.rest[at + len(expected):]

    def close(self) -> None:
        self.wire.close()


class Publisher:
    """Publishes broadcasts as a pod would, each with a number of its own."""

    def __init__(self, redis_port: int, channel_prefix: str):
        self._wire = socket.create_connection(("127.0.0.1", redis_port), ANSWER_WITHIN)
        self._channel = (channel_prefix + _CHANNEL).encode()
        self._number = 0

    def publish(self) -> bytes:
        """Returns the frame that every connection will receive."""
        self._number += 1
        start = f'{{"type":1,"target":"Broadcast","arguments":["{self._number:08}:'.encode()
        record = start.ljust(RECORD_BYTES - 4, b"p") + b'"]}\x1e'
        # No excluded ids; one record, of the JSON protocol.
        envelope = b"\x92\x90\x81\xa4json\xc4" + bytes([len(record)]) + record
        words = b"PUBLISH", self._channel, envelope
        self._wire.sendall(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        self._wire.recv(64)
        return header(len(record)) + record

    def close(self) -> None:
        self._wire.close()


def hub_clients(port: int, tls: bool, numbers: range) -> list[Client]:
    """Each is another user, as in life."""
    return [Client.hub(port, tls, f"CUST-{number:05}") for number in numbers]


def broadcast(publisher: Publisher, clients: list[Client], count: int) -> None:
    """Publishes `count` messages; each has reached everybody before the next."""
    for _ in range(count):
        frame = publisher.publish()
        for client in clients:
            client.receive(frame)


def echo(clients: list[Client], count: int, byte_count: int = 64) -> None:
    """`count` messages on each connection, one in flight."""
    question, answer = masked(b"e" * byte_count), header(byte_count) + b"e" * byte_count
    for _ in range(count):
        for client in clients:
            client.wire.sendall(question)
        for client in clients:
            client.receive(answer)


def answer_pings(clients: list[Client], rounds: int) -> None:
    """Waits until each client has been pinged so often, and answers with one. What has gathered
    before counts as one."""
    for _ in range(rounds):
        for client in clients:
            client.receive(PING)
            client.rest = b""
            client.wire.sendall(CLIENT_PING)
