"""A small SignalR server that is not ours, on aiohttp: what bench must be able to drive too.

    POST /hub/negotiate ─▶ token        GET /hub?id=token ─▶ WebSocket ─▶ handshake ─▶ records
    Echo(text) ─▶ its completion        Broadcast(text) ─▶ an invocation to every connection

    python3 -m support.foreign_hub      prints its URL and serves until it is ended

Source: SignalR HubProtocol ("JSON encoding"), TransportProtocols ("POST endpoint-base/negotiate").
"""

import asyncio
import json
import threading
import uuid

from aiohttp import WSMsgType, web

PATH = "/hub"
_SEPARATOR = "\x1e"
_PING, _INVOCATION, _COMPLETION = 6, 1, 3


class ForeignHub:
    """Serves on a free port of 127.0.0.1, on a thread of its own, within `with`."""

    def __init__(self):
        self.port = 0
        self.negotiations = self.invocations = 0
        self._open: set[web.WebSocketResponse] = set()
        self._tokens: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="foreign-hub", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def __enter__(self) -> "ForeignHub":
        self._thread.start()
        assert self._ready.wait(10), "the foreign hub does not start"
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application()
        application.add_routes([web.post(f"{PATH}/negotiate", self._negotiate),
                                web.get(PATH, self._connect)])
        runner = web.AppRunner(application)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    async def _negotiate(self, _: web.Request) -> web.Response:
        self.negotiations += 1
        token = uuid.uuid4().hex
        self._tokens.add(token)
        return web.json_response({
            "negotiateVersion": 1, "connectionId": uuid.uuid4().hex, "connectionToken": token,
            "availableTransports": [
                {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]})

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("id") not in self._tokens:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        handshake = json.loads((await socket.receive_str()).rstrip(_SEPARATOR))
        if handshake != {"protocol": "json", "version": 1}:
            await socket.close()
            return socket
        await socket.send_str("{}" + _SEPARATOR)
        self._open.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    for text in message.data.split(_SEPARATOR)[:-1]:
                        await self._take(json.loads(text), socket)
        finally:
            self._open.discard(socket)
        return socket

    async def _take(self, record: dict, socket: web.WebSocketResponse) -> None:
        if record["type"] == _PING:
            await socket.send_str(json.dumps({"type": _PING}) + _SEPARATOR)
        if record["type"] != _INVOCATION:
            return
        self.invocations += 1
        if record["target"] == "Broadcast":
            invocation = {"type": _INVOCATION, "target": "Broadcast",
                          "arguments": record["arguments"]}
            text = json.dumps(invocation, separators=(",", ":")) + _SEPARATOR
            for other in list(self._open):
                await other.send_str(text)
        if "invocationId" in record:
            completion = {"type": _COMPLETION, "invocationId": record["invocationId"],
                          "result": record["arguments"][0]}
            await socket.send_str(json.dumps(completion, separators=(",", ":")) + _SEPARATOR)


if __name__ == "__main__":
    with ForeignHub() as served:
        print(f"foreign hub on {served.url}", flush=True)
        threading.Event().wait()
