"""What the official browser client 8.0.7 sends, to the letter, by script.

    negotiate v1 ──▶ attach ──▶ handshake ──▶ ping ──▶ calls "0", "1", … ──▶ {"type":7}, stop

Its headers, the order of its members, the number in its polls, its DELETE at the end. The client
itself is run elsewhere. Source: section H of the reference's notes.
"""

from support.http_wire import Response, request

from .client import WITHIN, HubClient, handshake
from .process import HubServer
from .transports import TRANSPORTS, Endpoint

AGENT = "Microsoft SignalR/8.0 (8.0.7; Unknown OS; Browser; Unknown Runtime Version)"
HEADERS = {"X-Requested-With": "XMLHttpRequest", "X-SignalR-User-Agent": AGENT,
           "Content-Type": "text/plain;charset=UTF-8"}


def post_negotiate(url: tuple[str, int], path: str, token: str | None = None,
                   stateful: bool = False) -> Response:
    query = "negotiateVersion=1" + ("&useStatefulReconnect=true" if stateful else "")
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return request(url, "POST", f"{path}/negotiate?{query}", HEADERS | bearer)


class OfficialClient(HubClient):
    """`refuses` are transports whose attempt fails in the client, as behind a bad proxy."""

    def __init__(self, server: HubServer, path: str = "/hub", *, protocol: str = "json",
                 token: str | None = None, refuses: tuple[str, ...] = (),
                 skips_negotiation: bool = False, stateful: bool = False):
        self.path, self.bearer, self.refuses = path, token, refuses
        self.skips_negotiation, self.asks_stateful = skips_negotiation, stateful
        self.negotiations, self.is_stateful = 0, False
        super().__init__(server, path, protocol=protocol, shakes=False, negotiates=False)
        self._shake()

    def _attached(self, _: str):
        """The transport of the first attempt that works, each behind a negotiation of its own."""
        if self.skips_negotiation:
            return TRANSPORTS["WebSockets"](self.endpoint, self.codec.IS_BINARY)
        wanted, tried = "Binary" if self.codec.IS_BINARY else "Text", set()
        while True:
            offer = self._negotiated()
            name = next(each["transport"] for each in offer["availableTransports"]
                        if wanted in each["transferFormats"] and each["transport"] not in tried)
            tried.add(name)
            if name not in self.refuses:
                self.endpoint = self._endpoint(name, offer["connectionToken"])
                return TRANSPORTS[name](self.endpoint, self.codec.IS_BINARY)

    def _negotiated(self) -> dict:
        self.negotiations += 1
        answer = post_negotiate(self.server.address, self.path, self.bearer, self.asks_stateful)
        assert answer.status == 200, answer
        offer = answer.json()
        # It throws when it is granted what it has not asked for.
        self.is_stateful = offer.get("useStatefulReconnect", False)
        assert self.asks_stateful or not self.is_stateful
        self.connection_id = offer["connectionId"]
        return offer

    def _endpoint(self, transport: str, connection_token: str) -> Endpoint:
        # A browser cannot set headers where it opens a WebSocket or events.
        in_query = self.bearer and transport != "LongPolling"
        headers = {} if transport == "WebSockets" else dict(HEADERS)
        headers.pop("Content-Type", None)
        if self.bearer and transport != "WebSockets":
            headers["Authorization"] = f"Bearer {self.bearer}"
        return Endpoint([self.server.address], self.path, connection_token,
                        f"access_token={self.bearer}" if in_query else "", headers)

    def _shake(self) -> None:
        self.send_bytes(handshake(self.codec.NAME, 2 if self.is_stateful else 1))
        assert self.handshake_answer(WITHIN) == {}
        self.ping()

    def ping(self) -> None:
        # Long polling keeps itself alive.
        if self.transport.name != "LongPolling":
            self.send({"type": 6})

    def stop(self) -> Response | None:
        """The goodbye, then the end of the transport; the answer to DELETE where there is one."""
        goodbye = b"\x03\x92\x07\xc0" if self.codec.IS_BINARY else b'{"type":7}\x1e'
        self.send_bytes(goodbye)
        if self.transport.name == "LongPolling":
            self.transport.drop()
            return self.endpoint.delete()
        self.transport.stop()
        return None
