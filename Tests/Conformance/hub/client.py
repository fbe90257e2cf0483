"""A hub client that can be told to do everything right or one thing wrong.

    negotiate ──▶ transport ──▶ {"protocol":…}␞ ──▶ {}␞ ──▶ messages ⇄ ──▶ Close

What was received and not asked for yet waits in `inbox`, in order; pings are counted apart. Every
wait has an end. Messages are dictionaries with the member names of the JSON protocol, in both
protocols. Source: SignalR HubProtocol.
"""

import itertools
import json
from collections.abc import Callable

from support.deadline import Deadline
from support.http_wire import NothingCame, PeerClosed, Response, request

from . import json_codec, messagepack_codec
from .process import HubServer
from .transports import TRANSPORTS, Endpoint

WITHIN = 5.0
SEPARATOR = json_codec.SEPARATOR
CODECS = {codec.NAME: codec for codec in (json_codec, messagepack_codec)}

INVOCATION, ITEM, COMPLETION, STREAM, CANCEL, PING, CLOSE, ACK, SEQUENCE = range(1, 10)


def authorization(user: str | None) -> dict:
    return {} if user is None else {"Authorization": f"Bearer {user}"}


def negotiate(server: HubServer, hub: str = "/hub", query: str = "negotiateVersion=1",
              user: str | None = None, headers: dict | None = None) -> Response:
    """The answer to a negotiate request."""
    target = f"{hub}/negotiate?{query}" if query else f"{hub}/negotiate"
    return request(server.address, "POST", target,
                   {"Content-Type": "text/plain;charset=UTF-8", **authorization(user),
                    **(headers or {})})


def handshake(protocol: str = "json", version: int = 1) -> bytes:
    text = json.dumps({"protocol": protocol, "version": version}, separators=(",", ":"))
    return text.encode() + SEPARATOR


class HubClient:
    """One connection. `pods` sends its requests to several servers in turn."""

    def __init__(self, server: HubServer, hub: str = "/hub", *, transport: str = "WebSockets",
                 protocol: str = "json", user: str | None = None, query: str = "",
                 version: int = 1, stateful: bool = False, shakes: bool = True,
                 negotiates: bool = True, pods: list[HubServer] | None = None):
        self.server, self.codec = server, CODECS[protocol]
        self.inbox: list[dict] = []
        self.pings = 0
        self._ids = map(str, itertools.count())
        self.connection_id = token = None
        if negotiates:
            asked = "negotiateVersion=1" + ("&useStatefulReconnect=true" if stateful else "")
            answer = negotiate(server, hub, "&".join(filter(None, (query, asked))), user)
            assert answer.status == 200, answer
            self.negotiated = answer.json()
            self.connection_id = self.negotiated["connectionId"]
            token = self.negotiated["connectionToken"]
        # The first pod has negotiated already, so the next one goes on.
        addresses = [pod.address for pod in (*pods[1:], pods[0])] if pods else [server.address]
        self.endpoint = Endpoint(addresses, hub, token, query, authorization(user))
        self.transport = self._attached(transport)
        if shakes:
            self.shake(version)

    def __enter__(self) -> "HubClient":
        return self

    def __exit__(self, *_) -> None:
        self.transport.drop()

    def _attached(self, transport: str):
        return TRANSPORTS[transport](self.endpoint, self.codec.IS_BINARY)

    # The handshake

    def shake(self, version: int = 1) -> None:
        self.transport.send(handshake(self.codec.NAME, version))
        assert self.handshake_answer() == {}

    def handshake_answer(self, within: float = WITHIN) -> dict:
        """JSON in every protocol; messages behind it go to the inbox."""
        batch = self.transport.receive(within)
        answer, mark, rest = batch.partition(SEPARATOR)
        assert mark, batch
        if rest:
            self._keep(rest)
        return json.loads(answer)

    # Sending

    def send(self, *messages: dict) -> None:
        """In one batch."""
        self.transport.send(b"".join(map(self.codec.encode, messages)))

    def send_bytes(self, data: bytes) -> None:
        self.transport.send(data)

    def call(self, method: str, *arguments, streams: list[str] | None = None,
             kind: int = INVOCATION) -> str:
        """Begins a call; its invocation id."""
        name = next(self._ids)
        message = {"type": kind, "invocationId": name, "target": method,
                   "arguments": list(arguments)}
        self.send(message | ({"streamIds": streams} if streams is not None else {}))
        return name

    def tell(self, method: str, *arguments) -> None:
        """A call without an id, which is never answered."""
        self.send({"type": INVOCATION, "target": method, "arguments": list(arguments)})

    def stream(self, method: str, *arguments, streams: list[str] | None = None) -> str:
        return self.call(method, *arguments, streams=streams, kind=STREAM)

    def upload(self, stream: str, *items, error: str | None = None, ends: bool = True) -> None:
        messages = [{"type": ITEM, "invocationId": stream, "item": item} for item in items]
        if ends:
            messages.append({"type": COMPLETION, "invocationId": stream}
                            | ({"error": error} if error is not None else {}))
        self.send(*messages)

    def answer(self, question: dict, **value) -> None:
        """Completes a call of the server's: `result=` or `error=`, or neither."""
        self.send({"type": COMPLETION, "invocationId": question["invocationId"], **value})

    # Receiving

    def _keep(self, batch: bytes) -> None:
        for message in self.codec.decode(batch):
            if message["type"] == PING:
                self.pings += 1
            else:
                self.inbox.append(message)

    def take(self, what: str, fits: Callable[[dict], bool], within: float = WITHIN) -> dict:
        """The first message that fits; those before it stay."""
        deadline, looked_at = Deadline(within), 0
        while True:
            for index in range(looked_at, len(self.inbox)):
                if fits(self.inbox[index]):
                    return self.inbox.pop(index)
            looked_at = len(self.inbox)
            try:
                self._keep(self.transport.receive(deadline.left()))
            except NothingCame:
                raise NothingCame(f"no {what} within {within} s; unasked: {self.inbox}") from None

    def next(self, within: float = WITHIN) -> dict:
        return self.take("message", lambda _: True, within)

    def completion(self, name: str, within: float = WITHIN) -> dict:
        return self.take(f"completion of {name}", lambda message: message["type"] == COMPLETION
                         and message["invocationId"] == name, within)

    def item(self, name: str, within: float = WITHIN):
        return self.take(f"item of {name}", lambda message: message["type"] == ITEM
                         and message["invocationId"] == name, within)["item"]

    def items(self, name: str, within: float = WITHIN) -> tuple[list, dict]:
        """All items of a stream that ends, and its completion; the order is that of arrival."""
        deadline, found = Deadline(within), []
        while True:
            message = self.take(f"end of {name}",
                                lambda each: each.get("invocationId") == name, deadline.left())
            if message["type"] == COMPLETION:
                return found, message
            found.append(message["item"])

    def question(self, within: float = WITHIN) -> dict:
        """A call of the server's that wants an answer."""
        return self.take("question", lambda message: message["type"] == INVOCATION
                         and "invocationId" in message, within)

    def pushed(self, target: str = "Message", within: float = WITHIN):
        """The argument of the next push."""
        message = self.take(f"push {target}", lambda each: each["type"] == INVOCATION
                            and each["target"] == target, within)
        argument, = message["arguments"]
        return argument

    def invoke(self, method: str, *arguments, within: float = WITHIN) -> dict:
        return self.completion(self.call(method, *arguments), within)

    def result(self, method: str, *arguments, within: float = WITHIN):
        """The result of a call that must succeed."""
        completion = self.invoke(method, *arguments, within=within)
        assert "error" not in completion, completion
        return completion.get("result")

    def error(self, method: str, *arguments) -> str:
        """The error of a call that must fail and leave the connection alive."""
        completion = self.invoke(method, *arguments)
        assert set(completion) == {"type", "invocationId", "error"}, completion
        return completion["error"]

    def unasked(self) -> list[dict]:
        """What the server has sent before it answers this call, and nobody has taken."""
        self.result("Nothing")
        return self.inbox

    def messages_heard(self) -> list:
        """The arguments of all pushes called Message that came before the answer to this call."""
        heard = [each["arguments"][0] for each in self.unasked()
                 if each["type"] == INVOCATION and each["target"] == "Message"]
        self.inbox.clear()
        return heard

    def listen(self, seconds: float) -> None:
        """Receives whatever comes during that time."""
        deadline = Deadline(seconds)
        try:
            while not deadline.passed():
                self._keep(self.transport.receive(deadline.left()))
        except NothingCame:
            pass

    def until_end(self, within: float = WITHIN) -> list[dict]:
        """Everything up to the end of the transport, which must come."""
        deadline = Deadline(within)
        try:
            while True:
                self._keep(self.transport.receive(deadline.left()))
        except PeerClosed:
            return self.inbox

    # Ending

    def say_goodbye(self, **members) -> None:
        self.send({"type": CLOSE, **members})
