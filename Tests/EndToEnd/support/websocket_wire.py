"""WebSocket frames on a bare connection, valid or broken on purpose.

     0 1 2 3 4 5 6 7   8 9 … 15      16 … (0, 2 or 8 octets)   4 octets   payload
    |F|R|R|R| opcode | |M| length |  | extended length        | mask     | …

Source: RFC 6455 section 5.2 (frames), 7.4 (close codes), 1.3 (handshake); RFC 7692 section 7.2.
"""

import base64
import hashlib
import os
import re
import struct
import zlib
from dataclasses import dataclass

from .deadline import Deadline
from .http_wire import ANSWER_WITHIN, PeerClosed, Response, Wire, parse_head

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Frame:
    opcode: int
    payload: bytes
    is_final: bool = True
    # It came compressed; the payload is inflated.
    is_compressed: bool = False

    @property
    def close_code(self) -> int | None:
        """The code of a close frame; None if it carries none."""
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


def encode(opcode: int, payload: bytes = b"", *, is_final: bool = True, is_masked: bool = True,
           reserved: int = 0, length: int | None = None) -> bytes:
    """One frame. `length` lies about the payload's size; `reserved` sets the bits RSV1-3 (0-7)."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if is_final else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if is_masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    if not is_masked:
        return head + payload
    mask = os.urandom(4)
    repeated = mask * (len(payload) // 4 + 1)
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:len(payload)], "big")
    return head + mask + masked.to_bytes(len(payload), "big")


def deflated(message: bytes) -> bytes:
    """The payload of a compressed message, to be sent with `reserved=4`."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def close_payload(code: int, reason: bytes = b"") -> bytes:
    return struct.pack("!H", code) + reason


class Refused(Exception):
    """The server answered the upgrade with something else than 101."""

    def __init__(self, response: Response):
        super().__init__(str(response))
        self.response = response


class WebSocket:
    """The client's end of one WebSocket."""
    # What the handshake has agreed on, and what was offered.
    extensions: str | None = None
    deflate: str | None = None

    def __init__(self, address: tuple[str, int], target: str, headers: dict | None = None,
                 tls: bool = False, deflate: str | None = None):
        self.wire = Wire(address, tls)
        # The parameters of permessage-deflate to be offered; None offers nothing.
        self.deflate = deflate
        try:
            self._upgrade(target, headers or {})
        except BaseException:
            self.wire.close()
            raise

    @classmethod
    def from_octets(cls, address: tuple[str, int], octets: bytes, tls: bool = False) -> "WebSocket":
        """The handshake as it is written, and whatever stands behind it."""
        made = cls.__new__(cls)
        made.wire = Wire(address, tls)
        try:
            made.wire.send(octets)
            made._expect_upgrade(
                re.search(rb"(?i)sec-websocket-key:\s*(\S+)", octets)[1])
        except BaseException:
            made.wire.close()
            raise
        return made

    def _upgrade(self, target: str, headers: dict) -> None:
        key = base64.b64encode(os.urandom(16))
        fields = {"Host": "localhost", "Connection": "Upgrade", "Upgrade": "websocket",
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key.decode(), **headers}
        if self.deflate is not None:
            fields["Sec-WebSocket-Extensions"] = f"permessage-deflate{self.deflate}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.wire.send(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        self._expect_upgrade(key)

    def _expect_upgrade(self, key: bytes) -> None:
        deadline = Deadline(ANSWER_WITHIN)
        response = parse_head(self.wire.take_through(b"\r\n\r\n", deadline))
        if response.status != 101:
            if response.header("Content-Length"):
                response.body = self.wire.take(int(response.header("Content-Length")), deadline)
            raise Refused(response)
        expected = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        assert response.header("Sec-WebSocket-Accept") == expected, response
        self.extensions = response.header("Sec-WebSocket-Extensions")
        assert self.extensions is None or self.deflate is not None, response

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def send(self, opcode: int, payload: bytes = b"", **options) -> None:
        self.wire.send(encode(opcode, payload, **options))

    def receive(self, within: float = ANSWER_WITHIN) -> Frame:
        """The next frame, which must be one that a server may send. PeerClosed at the end."""
        deadline = Deadline(within)
        # Nothing is taken from the buffer before the whole frame is there, so that a wait that
        # runs out in the middle of a frame can be repeated.
        while True:
            frame_size = _frame_size(self.wire.buffer)
            if frame_size is not None and len(self.wire.buffer) >= frame_size[0]:
                break
            self.wire.more(deadline)
        whole = self.wire.take(frame_size[0], deadline)
        opcode, payload = whole[0] & 0x0F, whole[frame_size[1]:]
        is_compressed = self.extensions is not None and whole[0] & 0x70 == 0x40
        assert is_compressed or whole[0] & 0x70 == 0, f"reserved bits in {whole[:2]!r}"
        if is_compressed:
            assert opcode in (TEXT, BINARY), f"a compressed control frame: {whole[:2]!r}"
            payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        return Frame(opcode, payload, bool(whole[0] & 0x80), is_compressed)

    def receive_close(self, within: float = ANSWER_WITHIN) -> Frame:
        """The close frame, skipping what comes before it; then the connection must end."""
        deadline = Deadline(within)
        while True:
            frame = self.receive(deadline.left())
            if frame.opcode == CLOSE:
                break
        self.send(CLOSE, frame.payload[:2])
        try:
            while True:
                self.wire.more(deadline)
        except PeerClosed:
            return frame


def _frame_size(buffer: bytes) -> tuple[int, int] | None:
    """(octets of the whole frame, octets of its head), None while the head is incomplete."""
    if len(buffer) < 2:
        return None
    assert buffer[1] & 0x80 == 0, "a server must not mask"
    length, extra = buffer[1] & 0x7F, {126: 2, 127: 8}.get(buffer[1] & 0x7F, 0)
    if len(buffer) < 2 + extra:
        return None
    if extra:
        length = int.from_bytes(buffer[2:2 + extra], "big")
    return 2 + extra + length, 2 + extra
