"""What strangers do to a connection beside sending the wrong thing: they flood it, and drop it."""

import select
import socket
import struct

from support.deadline import Deadline
from support.http_wire import Wire
from support.websocket_wire import WebSocket

# Of the echo servers that are flooded.
MESSAGE_LIMIT = 1 << 20


def reset(wire: Wire) -> None:
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()


def is_reset(connection: socket.socket, deadline: Deadline) -> bool:
    """True once the peer has reset the connection; nothing is read meanwhile."""
    poll = select.poll()
    poll.register(connection, 0)
    # The error is gone once a failed send has told it; the hang-up stays.
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(deadline.left() * 1000))


def flood(client: WebSocket, octets: bytes, seconds: float = 1.0, reads: bool = False) -> None:
    """Sends the octets again and again, for as long as the server takes them."""
    connection, deadline = client.wire.socket, Deadline(seconds)
    connection.settimeout(0.05)
    sent = 0
    while not deadline.passed():
        try:
            sent += connection.send(memoryview(octets)[sent:])
            sent %= len(octets)
            if reads:
                connection.recv(1 << 20, socket.MSG_DONTWAIT)
        except (TimeoutError, BlockingIOError):
            continue
        except OSError:
            return


def fill(client: WebSocket, octets: bytes) -> None:
    """Sends until the peer resets the connection: every queue between here and there is full. A peer
    that takes nothing for so long is not going to."""
    client.wire.socket.settimeout(30.0)
    sent = 0
    try:
        while True:
            sent += client.wire.socket.send(memoryview(octets)[sent:])
            sent %= len(octets)
    except OSError:
        return


_MASK = bytes(4)


def _frames(first: int, payload: bytes, count: int) -> bytes:
    return (bytes([first, 0x80 | len(payload)]) + _MASK + payload) * count


FLOODS: dict[str, tuple[bytes, bytes, bool]] = {
    # What is sent once, what is sent again and again, whether the flooder reads its answers.
    "pings, unread": (b"", _frames(0x89, b"p" * 125, 4000), False),
    "pings, read": (b"", _frames(0x89, b"p" * 125, 4000), True),
    "empty pings": (b"", _frames(0x89, b"", 50_000), False),
    "pongs": (b"", _frames(0x8A, b"p" * 125, 4000), False),
    "empty pongs": (b"", _frames(0x8A, b"", 50_000), False),
    "fragments of one octet": (_frames(0x02, b"a", 1), _frames(0x00, b"a", 50_000), False),
    "texts in fragments of one octet": (_frames(0x01, b"a", 1), _frames(0x00, b"a", 50_000), False),
    "empty fragments": (_frames(0x01, b"", 1), _frames(0x00, b"", 50_000), False),
    "empty messages": (b"", _frames(0x81, b"", 50_000), False),
    "empty messages, read": (b"", _frames(0x81, b"", 50_000), True),
    "messages of one octet": (b"", _frames(0x82, b"a", 50_000), False),
    "messages of one octet, read": (b"", _frames(0x82, b"a", 50_000), True),
    "messages in two fragments": (
        b"", (_frames(0x01, b"a", 1) + _frames(0x80, b"b", 1)) * 20_000, False),
    "pings between fragments": (
        _frames(0x01, b"a", 1), (_frames(0x00, b"", 1) + _frames(0x89, b"p", 1)) * 20_000, False),
    "closes": (b"", _frames(0x88, b"\x03\xe8", 20_000), False),
    "frames behind a close": (_frames(0x88, b"\x03\xe8", 1), _frames(0x81, b"a", 50_000), False),
    "frames behind a violation": (_frames(0x8F, b"", 1), _frames(0x81, b"a", 50_000), False),
    "messages of the limit": (
        b"", b"\x82\xff" + MESSAGE_LIMIT.to_bytes(8, "big") + _MASK + bytes(MESSAGE_LIMIT), False),
}
