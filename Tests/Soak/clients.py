"""What clients do to a server in the course of a day: the honest ones, and the others.

    honest     visit, order, poll          must succeed, unless a server behind has just been taken away
    others     everything below OTHERS     whatever becomes of them; the server must not remember them

Each is a function of a door and a source of chance, and is gone when it returns: what it leaves behind
is the server's to clear away.
"""

import random
import socket
import ssl
import struct
import time
from dataclasses import dataclass

from support.http_wire import Wire
from support.hub_client import COMPLETED, HubClient, negotiate
from support.server import Address
from support.shop import Shop
from support.tokens import token_for
from support.websocket_wire import TEXT, encode

# Few, so that what the server keeps per user and per token stops growing in the warm-up.
USERS = 50
COMPLETED_WITHIN = 30.0


@dataclass(frozen=True)
class Door:
    """Where one pod, or the ingress, is reached; `https` only where it has a certificate."""
    http: Address
    https: Address | None = None
    orders: Address | None = None

    def shop(self, user: str, token: str) -> Shop:
        return Shop(Door(self.orders or self.http), user, token)


class Users:
    """Every user with one token for the whole run."""

    def __init__(self):
        self._tokens = {f"soak-{number}": token_for(f"soak-{number}", lifetime=86_400)
                        for number in range(USERS)}

    def any(self, chance: random.Random) -> tuple[str, str]:
        return chance.choice(list(self._tokens.items()))


users = Users()


def _tab(door: Door, chance: random.Random) -> HubClient:
    user, token = users.any(chance)
    return HubClient(door, user, token, tls=door.https is not None and chance.random() < 0.5)


def _reset(connection: socket.socket) -> None:
    """Closes without a goodbye: the server sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=10)


# Honest


def visit(door: Door, chance: random.Random) -> None:
    """A tab that is opened, used and closed."""
    with _tab(door, chance) as tab:
        tab.result("Ping")
        time.sleep(chance.uniform(0, 0.5))
        tab.result("Ping")


def order(door: Door, chance: random.Random) -> None:
    """An order, and its notification."""
    user, token = users.any(chance)
    with HubClient(door, user, token) as tab:
        placed = door.shop(user, token).ordered()
        correlation = placed["correlationId"]
        deadline = time.monotonic() + COMPLETED_WITHIN
        while tab.result("GetCurrentStatus", correlation)["status"] != COMPLETED:
            assert time.monotonic() < deadline, f"{correlation} is not completed"
            time.sleep(0.05)


def browse(door: Door, chance: random.Random) -> None:
    """A connection with several requests."""
    _, token = users.any(chance)
    with Wire(door.orders or door.http) as wire:
        for _ in range(chance.randint(1, 5)):
            answer = wire.request("GET", "/api/products", {"Authorization": f"Bearer {token}"})
            assert answer.status == 200, answer


# The others


def leave_in_a_frame(door: Door, chance: random.Random) -> None:
    """A reset in the middle of a message."""
    tab = _tab(door, chance)
    frame = encode(TEXT, b"x" * chance.randint(10, 20_000))
    tab.socket.wire.send(frame[:chance.randint(1, len(frame) - 1)])
    _reset(tab.socket.wire.socket)


def leave_in_a_head(door: Door, chance: random.Random) -> None:
    connection = _connect(door.http)
    connection.sendall(b"GET /api/products HTTP/1.1\r\nHost: a\r\nX: "[:chance.randint(1, 40)])
    time.sleep(chance.uniform(0, 1))
    connection.close()


def leave_in_a_body(door: Door, chance: random.Random) -> None:
    user, token = users.any(chance)
    connection = _connect(door.orders or door.http)
    head = (f"POST /api/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n")
    connection.sendall(head.encode() + b'{"items":[')
    time.sleep(chance.uniform(0, 1))
    _reset(connection)


def half_close(door: Door, chance: random.Random) -> None:
    """Sends no more, and reads what comes."""
    connection = _connect(door.http)
    connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass
    connection.close()


def read_slowly(door: Door, chance: random.Random) -> None:
    """Asks for much and reads little of it."""
    _, token = users.any(chance)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(10)
    connection.connect(door.orders or door.http)
    try:
        request = f"GET /api/products HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        connection.sendall(request.encode() * 200)
        for _ in range(chance.randint(0, 20)):
            connection.recv(512)
            time.sleep(0.05)
    finally:
        _reset(connection)


def talk_nonsense(door: Door, chance: random.Random) -> None:
    address = door.https if door.https and chance.random() < 0.5 else door.http
    connection = _connect(address)
    connection.sendall(chance.randbytes(chance.randint(1, 5000)))
    connection.settimeout(0.5)
    try:
        connection.recv(4096)
    except TimeoutError:
        pass
    connection.close()


def break_the_rules(door: Door, chance: random.Random) -> None:
    """A frame that no client may send, and the close that answers it."""
    tab = _tab(door, chance)
    broken = [encode(TEXT, b"a", is_masked=False), encode(3, b"a"), encode(TEXT, b"\xff\xfe"),
              encode(TEXT, b"a", reserved=4), encode(TEXT, b"", length=1 << 40)]
    tab.socket.wire.send(chance.choice(broken))
    try:
        tab.next_record()
    finally:
        tab.close()


def abort_tls(door: Door, chance: random.Random) -> None:
    """Leaves somewhere in the handshake."""
    if door.https is None:
        return
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    connection = _connect(door.https)
    connection.sendall(hello[:chance.choice([1, 5, 50, len(hello)])])
    if chance.random() < 0.5:
        connection.settimeout(0.5)
        try:
            connection.recv(100)
        except TimeoutError:
            pass
    _reset(connection) if chance.random() < 0.5 else connection.close()


def poll_and_vanish(door: Door, chance: random.Random) -> None:
    """Long polling that nobody goes on with: its session must end by itself."""
    user, token = users.any(chance)
    answer = negotiate(door, token).json()
    with Wire(door.http) as wire:
        wire.request("GET", f"/hubs/order-status?id={answer['connectionToken']}",
                     {"Authorization": f"Bearer {token}"})


def come_without_token(door: Door, chance: random.Random) -> None:
    address = door.orders or door.http
    with Wire(address) as wire:
        assert wire.request("GET", "/api/orders").status == 401


HONEST = [visit, visit, order, order, browse]
OTHERS = [leave_in_a_frame, leave_in_a_head, leave_in_a_body, half_close, read_slowly,
          talk_nonsense, break_the_rules, abort_tls, poll_and_vanish, come_without_token]
