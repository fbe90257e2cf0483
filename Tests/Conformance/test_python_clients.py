"""T19, T20: two independent clients, unchanged: signalrcore and pysignalr.

    negotiate v0 ──▶ transport ──▶ calls, streams both ways, pushes ──▶ lost, and again

What a client cannot do is not asked of it: signalrcore has MessagePack over WebSockets only, cannot
upload in it, and reads one message of each poll's answer, which is too few for a stream; pysignalr
has WebSockets only. An upload of either has no invocation id, so that its answer is that the
connection goes on.
"""

import asyncio
import queue

import pytest
from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.subject import Subject
from signalrcore.types import HttpTransportType, HubProtocolEncoding

WITHIN = 10.0

SIGNALRCORE = pytest.mark.parametrize("transport, encoding", [
    (HttpTransportType.web_sockets, HubProtocolEncoding.text),
    (HttpTransportType.web_sockets, HubProtocolEncoding.binary),
    (HttpTransportType.server_sent_events, HubProtocolEncoding.text),
    (HttpTransportType.long_polling, HubProtocolEncoding.text)],
    ids=["WebSockets-json", "WebSockets-messagepack", "ServerSentEvents-json",
         "LongPolling-json"])
SIGNALRCORE_STREAMS = pytest.mark.parametrize("transport, encoding", [
    (HttpTransportType.web_sockets, HubProtocolEncoding.text),
    (HttpTransportType.web_sockets, HubProtocolEncoding.binary),
    (HttpTransportType.server_sent_events, HubProtocolEncoding.text)],
    ids=["WebSockets-json", "WebSockets-messagepack", "ServerSentEvents-json"])
PYSIGNALR = pytest.mark.parametrize("protocol", [JSONProtocol, MessagepackProtocol],
                                    ids=["json", "messagepack"])


class Signalrcore:
    """Its callbacks as queues."""

    def __init__(self, server, transport, encoding, reconnects: bool = False):
        self.opened, self.heard = queue.Queue(), queue.Queue()
        self.reconnected, self.errors = queue.Queue(), queue.Queue()
        builder = HubConnectionBuilder().with_url(
            f"{server.url}/hub", options={"transport": transport}).with_hub_protocol(encoding)
        if reconnects:
            builder.with_automatic_reconnect({"type": "interval", "intervals": [0, 0.1, 0.1, 1]})
        self.connection = builder.build()
        self.connection.on_open(lambda: self.opened.put(True))
        self.connection.on_reconnect(lambda: self.reconnected.put(True))
        self.connection.on_error(self.errors.put)
        self.connection.on("Message", lambda arguments: self.heard.put(arguments[0]))
        self.connection.start()
        self.opened.get(timeout=WITHIN)

    def result(self, method: str, *arguments):
        answers = queue.Queue()
        self.connection.send(method, list(arguments), answers.put)
        return answers.get(timeout=WITHIN).result

    def subscribe(self, method: str, *arguments) -> tuple[queue.Queue, queue.Queue]:
        """The items and the end of a stream. What comes before it has subscribed it drops."""
        items, ended = queue.Queue(), queue.Queue()
        self.connection.stream(method, list(arguments)).subscribe(
            {"next": items.put, "complete": ended.put, "error": self.errors.put})
        return items, ended


@pytest.fixture
def signalrcore(fast):
    """On the fast server: its stop waits for the next ping."""
    made = []

    def make(*arguments, **options) -> Signalrcore:
        made.append(Signalrcore(fast, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.connection.stop()


@pytest.fixture
def other(connect, fast):
    return connect(fast)


@pytest.mark.case("T19")
@SIGNALRCORE
def test_signalrcore_calls_and_hears(signalrcore, other, transport, encoding):
    theirs = signalrcore(transport, encoding)

    assert theirs.result("Echo", "ä") == "ä"
    other.result("SendConnection", theirs.result("ConnectionId"), "for you")
    assert theirs.heard.get(timeout=WITHIN) == "for you"
    theirs.connection.send("Throw", ["x"], theirs.errors.put)
    assert theirs.errors.get(timeout=WITHIN).error == (
        "An unexpected error occurred invoking 'Throw' on the server.")


@pytest.mark.case("T19")
@SIGNALRCORE_STREAMS
def test_signalrcore_streams(signalrcore, other, transport, encoding):
    gate = f"T19-{transport.value}-{encoding.value}"
    items, ended = signalrcore(transport, encoding).subscribe("CounterGated", 4, gate)
    other.result("OpenGate", gate)

    ended.get(timeout=WITHIN)
    assert [items.get_nowait() for _ in range(items.qsize())][-3:] == [1, 2, 3]


@pytest.mark.case("T19")
@pytest.mark.parametrize("transport", list(HttpTransportType), ids=lambda each: each.value)
def test_signalrcore_uploads(signalrcore, transport):
    theirs, upload = signalrcore(transport, HubProtocolEncoding.text), Subject()
    theirs.connection.send("UploadConcat", upload)
    for letter in "BEANED":
        upload.next(letter)
    upload.complete()

    assert theirs.result("Echo", 1) == 1


@pytest.mark.case("T19")
@pytest.mark.parametrize("encoding", list(HubProtocolEncoding), ids=lambda each: each.value)
def test_signalrcore_comes_back(signalrcore, other, fast_log, encoding):
    theirs = signalrcore(HttpTransportType.web_sockets, encoding, reconnects=True)
    before = theirs.result("ConnectionId")

    other.result("Abort", before)
    fast_log.end_of(before)

    theirs.reconnected.get(timeout=WITHIN)
    assert theirs.result("ConnectionId") != before


class Pysignalr:
    """Its callbacks as futures, within `async with`."""

    def __init__(self, server, protocol, **options):
        self.client = SignalRClient(f"{server.url}/hub", protocol=protocol(), **options)
        self.opened, self.heard = asyncio.Queue(), asyncio.Queue()
        self.client.on_open(lambda: self.opened.put(True))

    async def __aenter__(self) -> "Pysignalr":
        async def hear(arguments):
            await self.heard.put(arguments[0])

        self.client.on("Message", hear)
        self.running = asyncio.create_task(self.client.run())
        await self.within(self.opened.get())
        return self

    async def __aexit__(self, *_) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def within(self, waiting):
        """The result of a wait, which ends when the client does."""
        waiting = asyncio.ensure_future(waiting)
        await asyncio.wait({waiting, self.running}, timeout=WITHIN,
                           return_when=asyncio.FIRST_COMPLETED)
        assert waiting.done(), f"it waits in vain; the client: {self.running}"
        return waiting.result()

    async def result(self, method: str, *arguments):
        answers: asyncio.Queue = asyncio.Queue()
        await self.client.send(method, list(arguments), answers.put)
        message = await self.within(answers.get())
        assert not message.error, message
        return message.result

    async def stream(self, method: str, *arguments) -> list:
        items, ended = [], asyncio.Queue()

        async def keep(item):
            items.append(item)

        await self.client.stream(method, list(arguments), keep, ended.put)
        await self.within(ended.get())
        return items


@pytest.mark.case("T20")
@PYSIGNALR
def test_pysignalr_calls_streams_uploads_and_hears(server, client, protocol):
    async def use() -> None:
        async with Pysignalr(server, protocol, access_token_factory=lambda: "ann") as theirs:
            assert await theirs.result("Echo", ["ä", 1]) == ["ä", 1]
            assert await theirs.stream("Counter", 4) == [0, 1, 2, 3]
            if protocol is JSONProtocol:
                async with theirs.client.client_stream("UploadConcat") as upload:
                    for letter in "BEANED":
                        await upload.send(letter)
            connection_id = await theirs.result("ConnectionId")
            await asyncio.to_thread(client.result, "SendConnection", connection_id, "for you")
            assert await theirs.within(theirs.heard.get()) == "for you"

    asyncio.run(use())


@pytest.mark.case("T20")
@PYSIGNALR
def test_pysignalr_answers_the_hub(server, client, protocol):
    async def use() -> None:
        async with Pysignalr(server, protocol) as theirs:
            async def double(arguments):
                return arguments[0] * 2

            theirs.client.on("Double", double)
            connection_id = await theirs.result("ConnectionId")
            assert await asyncio.to_thread(
                client.result, "Ask", connection_id, "Double", 21) == 42

    asyncio.run(use())


@pytest.mark.case("T20")
@PYSIGNALR
def test_pysignalr_comes_back(server, client, protocol):
    async def use() -> None:
        theirs = Pysignalr(server, protocol)
        # It never negotiates again, and the id it had is spent.
        theirs.client._transport._url = f"ws://{server.address[0]}:{server.address[1]}/hub"
        theirs.client._transport._skip_negotiation = True
        async with theirs:
            before = await theirs.result("ConnectionId")
            await asyncio.to_thread(client.result, "Abort", before)
            await theirs.within(theirs.opened.get())
            assert await theirs.result("ConnectionId") != before

    asyncio.run(use())
