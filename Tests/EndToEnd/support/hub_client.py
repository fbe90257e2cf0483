"""A SignalR client that speaks the JSON protocol on a bare WebSocket and keeps all it hears.

    ──▶ {"protocol":"json","version":1}␞     ◀── {}␞
    ──▶ {"type":1,"invocationId":"1",…}␞     ◀── {"type":1,"target":"Notification",…}␞
                                             ◀── {"type":3,"invocationId":"1","result":null}␞

Records are kept as text too, because the wire form is part of what is tested.
Source: SignalR HubProtocol ("JSON encoding"), TransportProtocols ("WebSockets").
"""

import json
from urllib.parse import quote

from .deadline import Deadline
from .http_wire import ANSWER_WITHIN, NothingCame, PeerClosed, Wire
from .server import Server
from .tokens import token_for
from .websocket_wire import CLOSE, PING, PONG, TEXT, Refused, WebSocket

HUB = "/hubs/order-status"
SEPARATOR = b"\x1e"
HANDSHAKE = b'{"protocol":"json","version":1}' + SEPARATOR

ACCEPTED, PROCESSING, COMPLETED = 0, 1, 2


def negotiate(server: Server, token: str, query: str = "negotiateVersion=1", hub: str = HUB):
    """The answer to a negotiate request."""
    with Wire(server.http) as wire:
        return wire.request("POST", f"{hub}/negotiate?{query}", {
            "Authorization": f"Bearer {token}", "Content-Type": "text/plain;charset=UTF-8"})


class HubClient:
    """One tab: a connection with a finished handshake."""

    def __init__(self, server: Server, user: str, token: str | None = None,
                 connection_token: str | None = None, handshake: bool = True, tls: bool = False,
                 deflate: str | None = None):
        token = token if token is not None else token_for(user)
        target = f"{HUB}?access_token={quote(token)}"
        if connection_token is not None:
            target += f"&id={quote(connection_token)}"
        self.user = user
        self.socket = WebSocket(server.https if tls else server.http, target, tls=tls,
                                deflate=deflate)
        self.texts: list[str] = []
        self.inbox: list[dict] = []
        self.notifications: list[dict] = []
        self.close_frame = None
        self._partial = b""
        self._next_id = 1
        if handshake:
            self.send_bytes(HANDSHAKE)
            assert self.next_record() == {}, self.texts

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.socket.wire.close()

    def send_bytes(self, payload: bytes, opcode: int = TEXT) -> None:
        self.socket.send(opcode, payload)

    def send_record(self, record: dict) -> None:
        self.send_bytes(json.dumps(record, separators=(",", ":")).encode() + SEPARATOR)

    def next_record(self, within: float = ANSWER_WITHIN) -> dict:
        """The next record that is no ping. PeerClosed once the server has closed."""
        deadline = Deadline(within)
        while True:
            while not self.inbox:
                self._receive(deadline)
            record = self.inbox.pop(0)
            if record.get("type") != 6:
                return record

    def _receive(self, deadline: Deadline) -> None:
        frame = self.socket.receive(deadline.left())
        if frame.opcode == PING:
            self.socket.send(PONG, frame.payload)
        elif frame.opcode == CLOSE:
            self.close_frame = frame
            self.socket.send(CLOSE, frame.payload[:2])
            raise PeerClosed(frame.payload)
        elif frame.opcode != PONG:
            self._split(frame)

    def _split(self, frame) -> None:
        """Adds the records of a message, which must be whole: clients throw on partial ones."""
        self._partial += frame.payload
        if not frame.is_final:
            return
        message, self._partial = self._partial, b""
        assert message.endswith(SEPARATOR), f"a message with a partial record: {message!r}"
        for text in message[:-1].split(SEPARATOR):
            record = json.loads(text)
            self.texts.append(text.decode())
            self.inbox.append(record)
            if record.get("type") == 1 and record["target"] == "Notification":
                self.notifications.append(record["arguments"][0])

    def invoke(self, method: str, *arguments, within: float = ANSWER_WITHIN) -> dict:
        """The completion of a call. Notifications that come first stay in `notifications`."""
        invocation = str(self._next_id)
        self._next_id += 1
        self.send_record({"arguments": list(arguments), "invocationId": invocation,
                          "target": method, "type": 1})
        deadline = Deadline(within)
        while True:
            record = self.next_record(deadline.left())
            if record.get("type") == 3 and record["invocationId"] == invocation:
                return record

    def result(self, method: str, *arguments):
        """The result of a call that must succeed."""
        completion = self.invoke(method, *arguments)
        assert "error" not in completion, completion
        return completion.get("result")

    def notification(self, correlation: str | None = None, count: int = 1,
                     within: float = ANSWER_WITHIN) -> dict:
        """The latest notification of an order (or of any), once there are `count`."""
        deadline = Deadline(within)
        while True:
            found = [note for note in self.notifications
                     if correlation is None or note["correlationId"]["value"] == correlation]
            if len(found) >= count:
                return found[-1]
            self._receive(deadline)

    def listen(self, seconds: float) -> None:
        """Receives whatever comes during that time."""
        deadline = Deadline(seconds)
        try:
            while not deadline.passed():
                self._receive(deadline)
        except NothingCame:
            pass

    def has_heard(self) -> list[dict]:
        """All notifications that the server had sent before it read what we send now."""
        self.result("Ping")
        return self.notifications


def status_of_connecting(server, *arguments, **options) -> int:
    """101, or the status with which the upgrade is refused."""
    try:
        with HubClient(server, *arguments, **options):
            return 101
    except Refused as refused:
        return refused.response.status
