"""TLS handshakes made by hand: a client that offers what no library would, and reads what comes.

    ClientHello(...) ── hello() ──▶ socket ──▶ answer() ──▶ ServerHello | Alert | None (closed)

Source: RFC 5246 section 7.4.1, RFC 8446 sections 4.1 and 6, RFC 6066, RFC 7301, RFC 7507, RFC 7627.
"""

import os
import socket
import struct
from dataclasses import dataclass, field

from .deadline import Deadline

SSL30, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
ALERT, HANDSHAKE, HEARTBEAT = 21, 22, 24
# Extensions.
SERVER_NAME, GROUPS, POINTS, SIGNATURES, ALPN = 0, 10, 11, 13, 16
HEARTBEATS, ETM, EMS, TICKET, VERSIONS, SHARES, RENEGOTIATION = 15, 22, 23, 35, 43, 51, 0xFF01
# Alerts.
HANDSHAKE_FAILURE, PROTOCOL_VERSION, INAPPROPRIATE_FALLBACK, NO_ALPN = 40, 70, 86, 120
FALLBACK_SCSV = 0x5600
ECDHE_AEAD = [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9]
P256, P384, P521, X25519 = 23, 24, 25, 29


def extension(kind: int, content: bytes) -> bytes:
    return struct.pack("!HH", kind, len(content)) + content


def vector(content: bytes, width: int = 2) -> bytes:
    return len(content).to_bytes(width, "big") + content


def numbers(values: list[int]) -> bytes:
    return b"".join(struct.pack("!H", value) for value in values)


def server_name(name: str) -> bytes:
    return extension(SERVER_NAME, vector(b"\0" + vector(name.encode())))


def protocols(*names: str) -> bytes:
    return extension(ALPN, vector(b"".join(vector(name.encode(), 1) for name in names)))


@dataclass
class ClientHello:
    """Of TLS 1.2, unless an extension says otherwise."""
    version: int = TLS12
    ciphers: list[int] = field(default_factory=lambda: list(ECDHE_AEAD))
    groups: list[int] = field(default_factory=lambda: [X25519, P256, P384])
    compressions: bytes = b"\0"
    more: bytes = b""

    def bytes(self) -> bytes:
        signatures = numbers([0x0403, 0x0804, 0x0805, 0x0401, 0x0501, 0x0203, 0x0201])
        extensions = (extension(GROUPS, vector(numbers(self.groups)))
                      + extension(POINTS, b"\x01\x00")
                      + extension(SIGNATURES, vector(signatures)) + self.more)
        body = (struct.pack("!H", self.version) + os.urandom(32) + b"\0"
                + vector(numbers(self.ciphers)) + vector(self.compressions, 1)
                + (b"" if self.version == SSL30 else vector(extensions)))
        message = b"\x01" + vector(body, 3)
        return struct.pack("!BH", HANDSHAKE, min(self.version, TLS10)) + vector(message)


@dataclass
class ServerHello:
    version: int
    cipher: int
    compression: int
    extensions: dict[int, bytes]


@dataclass
class Alert:
    level: int
    description: int


class Closed(Exception):
    """The server ended the connection."""


class TLSWire:
    """A bare socket that speaks in records."""

    def __init__(self, address: tuple[str, int], within: float = 20.0):
        self.deadline = Deadline(within)
        self.socket = socket.create_connection(address, timeout=within)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def record(self) -> tuple[int, bytes]:
        header = self._take(5)
        return header[0], self._take(int.from_bytes(header[3:5], "big"))

    def answer(self) -> ServerHello | Alert | None:
        """The first thing that the server says; None if it closes without a word."""
        try:
            kind, content = self.record()
        except (Closed, ConnectionResetError):
            return None
        if kind == ALERT:
            return Alert(*content[:2])
        assert kind == HANDSHAKE and content[0] == 2, (kind, content[:4])
        return parse_server_hello(content[4:])

    def _take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.socket.settimeout(max(self.deadline.left(), 0.001))
            piece = self.socket.recv(65536)
            if not piece:
                raise Closed
            self.buffer += piece
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken


def parse_server_hello(body: bytes) -> ServerHello:
    version = int.from_bytes(body[:2], "big")
    rest = body[34:]
    rest = rest[1 + rest[0]:]
    cipher, compression, rest = int.from_bytes(rest[:2], "big"), rest[2], rest[3:]
    extensions, end = {}, 2 + int.from_bytes(rest[:2], "big")
    position = 2
    while position < end:
        kind, count = struct.unpack("!HH", rest[position:position + 4])
        extensions[kind] = rest[position + 4:position + 4 + count]
        position += 4 + count
    return ServerHello(version, cipher, compression, extensions)


def answer(address: tuple[str, int], hello: ClientHello | bytes) -> ServerHello | Alert | None:
    """What the server says first to that greeting, on a connection of its own."""
    with TLSWire(address) as wire:
        wire.send(hello if isinstance(hello, bytes) else hello.bytes())
        return wire.answer()
