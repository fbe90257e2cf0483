"""Many clients through an ingress, who behave as the shop's SignalR client does, and order all the time.

    orders ── POST, Idempotency-Key ──▶ ingress ─▶ accept
    tabs   ── hub connection ─────────▶ ingress ─▶ notification
                 │ Close, allowReconnect: at once, then after 2, 10, 30 s
                 └ connected again: RegisterOrder, GetCurrentStatus of what is outstanding

All of them live on one loop of asyncio, in a thread of its own. `Fleet.figures` says what they saw.
Source: the SignalR client's default reconnect delays; the shop's order of calls.
"""

import asyncio
import bisect
import itertools
import json
import random
import resource
import sys
import threading
import time
from dataclasses import dataclass, field

from .server import ROOT, Address
from .tokens import token_for

sys.path.append(str(ROOT / "Tests" / "NothingLost"))
from wire import Doubt, HTTPClient, HubSocket  # noqa: E402

DELAYS = [0, 2, 10, 30]
PING_EVERY = 15.0
ANSWER_WITHIN = 30.0
# Connections that are opened at the same time, at first.
OPENING = 64
COMPLETED = 2


@dataclass
class Figures:
    """What the clients have seen so far; times are of the monotonic clock."""
    acknowledged: int = 0
    told: int = 0
    # POSTs that had no 200 or 201 at the first try, and why.
    repeats: list[str] = field(default_factory=list)
    # Connections that ended with leave to reconnect, and those that were cut without a word.
    goodbyes: int = 0
    cuts: list[str] = field(default_factory=list)
    failed_connects: int = 0
    # When a client came back.
    returns: list[float] = field(default_factory=list)
    # From the acknowledgement to the news, in seconds.
    delays: list[float] = field(default_factory=list)
    # The longest time for which this process did not look.
    lag: float = 0.0

    def returns_peak(self, window: float) -> int:
        """The most clients that came back within any so many seconds."""
        times = sorted(self.returns)
        return max((bisect.bisect_left(times, start + window) - place
                    for place, start in enumerate(times)), default=0)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Tab:
    """One user with one tab."""

    def __init__(self, fleet: "Fleet", number: int):
        self.fleet = fleet
        self.user = f"fleet-{number:05}"
        self.token = token_for(self.user)
        self.socket: HubSocket | None = None
        self.opened = 0.0
        # Correlation ids, with when they were acknowledged.
        self.outstanding: dict[str, float] = {}
        self.heard: set[str] = set()

    async def run(self) -> None:
        attempt = 0
        while True:
            await asyncio.sleep(DELAYS[attempt] * random.uniform(0.8, 1.2))
            if await self._visit():
                attempt = 0
            else:
                # The real client gives up at the end of its delays; its user then reloads the page.
                self.fleet.figures.failed_connects += 1
                attempt = min(attempt + 1, len(DELAYS) - 1)

    async def open(self) -> None:
        self.socket = await HubSocket.open(self.fleet.address, self.token, ANSWER_WITHIN)
        self.opened = time.monotonic()

    async def _visit(self) -> bool:
        """True once it was connected and is not any more."""
        if self.socket is None:
            self.fleet.figures.returns.append(time.monotonic())
            try:
                await self.open()
            except Doubt:
                return False
            for correlation in list(self.outstanding):
                self._register(correlation)
                self._ask(correlation)
        ping = asyncio.create_task(self._ping(self.socket))
        try:
            while True:
                for record in await self.socket.receive():
                    if record.get("type") == 7:
                        assert record.get("allowReconnect") is True, record
                        self.fleet.figures.goodbyes += 1
                        return True
                    self._take(record)
        except Doubt as doubt:
            self.fleet.figures.cuts.append(doubt.why)
            return True
        finally:
            ping.cancel()
            self.socket.close()
            self.socket = None

    async def _ping(self, socket: HubSocket) -> None:
        await asyncio.sleep(random.uniform(0, PING_EVERY))
        while True:
            socket.send({"type": 6})
            await asyncio.sleep(PING_EVERY)

    def _register(self, correlation: str) -> None:
        self.socket.invoke("RegisterOrder", correlation)

    def _ask(self, correlation: str) -> None:
        self.fleet.questions[self.socket.invoke("GetCurrentStatus", correlation), self] = correlation

    def _take(self, record: dict) -> None:
        if record.get("type") == 1 and record["target"] == "Notification":
            note = record["arguments"][0]
            self._hear(note["correlationId"]["value"], note["status"])
        elif record.get("type") == 3:
            correlation = self.fleet.questions.pop((record["invocationId"], self), None)
            if correlation and record.get("result"):
                self._hear(correlation, record["result"]["status"])

    def _hear(self, correlation: str, status: int) -> None:
        if status != COMPLETED or correlation in self.heard:
            return
        self.heard.add(correlation)
        # News that are here before the answer to the POST count when that comes.
        if correlation in self.outstanding:
            self.fleet.told(self.outstanding.pop(correlation))

    def acknowledged(self, correlation: str, began: float) -> None:
        if correlation in self.heard:
            self.fleet.told(time.monotonic())
            return
        self.outstanding[correlation] = time.monotonic()
        if self.socket is None:
            return
        self._register(correlation)
        # The push may have come before this connection was there.
        if self.opened > began:
            self._ask(correlation)


class Fleet:
    """`count` tabs on a thread of their own."""

    def __init__(self, address: Address, count: int):
        self.address = address
        self.figures = Figures()
        self.tabs = [Tab(self, number) for number in range(count)]
        # Who asked what: (invocation id, tab).
        self.questions: dict[tuple[str, Tab], str] = {}
        self._keys = itertools.count(1)
        self._is_ordering = False
        self._posters: list[asyncio.Task] = []
        self._tasks: list[asyncio.Task] = []
        self.accidents: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fleet", daemon=True)
        # A client is a descriptor here and two in the ingress, which inherits this.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    # From the test's thread

    def __enter__(self) -> "Fleet":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        async def leave():
            for task in [*self._posters, *self._tasks]:
                task.cancel()
            await asyncio.gather(*self._posters, *self._tasks, return_exceptions=True)
        self._call(leave(), 60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def connect(self, within: float) -> None:
        """Everybody comes."""
        async def connect():
            room = asyncio.Semaphore(OPENING)

            async def one(tab: Tab) -> None:
                async with room:
                    await tab.open()
            await asyncio.gather(*map(one, self.tabs))
            self._tasks = [self._keep(tab.run()) for tab in self.tabs]
            self._tasks.append(self._keep(self._watch()))
        self._call(connect(), within)

    def order(self, rate: float, posters: int = 8) -> None:
        """Begins to order, `rate` per second of all together."""
        async def begin():
            self._is_ordering = True
            self._posters = [self._keep(self._post(posters / rate)) for _ in range(posters)]
        self._call(begin(), 10)

    def end_orders(self, within: float) -> None:
        """Every order under way comes to its end."""
        async def end():
            self._is_ordering = False
            await asyncio.gather(*self._posters)
        self._call(end(), within)

    @property
    def present(self) -> int:
        return sum(tab.socket is not None for tab in self.tabs)

    @property
    def untold(self) -> int:
        return self.figures.acknowledged - self.figures.told

    def _call(self, work, within: float) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(within)

    # On the loop

    def told(self, since: float) -> None:
        """`since`: when the order was acknowledged."""
        self.figures.delays.append(time.monotonic() - since)
        self.figures.told += 1

    def _keep(self, work) -> asyncio.Task:
        task = self._loop.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        if not task.cancelled() and task.exception():
            self.accidents.append(repr(task.exception()))

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            self.figures.lag = max(self.figures.lag, time.monotonic() - before - 0.01)

    async def _post(self, pause: float) -> None:
        client = HTTPClient(self.address)
        body = json.dumps({"items": [{"productId": "AZ-900", "quantity": 1}]}).encode()
        while self._is_ordering:
            await asyncio.sleep(random.uniform(0.5, 1.5) * pause)
            tab = random.choice(self.tabs)
            fields = {"Authorization": f"Bearer {tab.token}", "Content-Type": "application/json",
                      "Idempotency-Key": f"fleet-{next(self._keys)}"}
            began = time.monotonic()
            while True:
                try:
                    status, answer = await client.request(
                        "POST", "/api/orders", fields, body, ANSWER_WITHIN)
                    if status in (200, 201):
                        break
                    self.figures.repeats.append(str(status))
                except Doubt as doubt:
                    self.figures.repeats.append(doubt.why)
                await asyncio.sleep(0.2)
            self.figures.acknowledged += 1
            tab.acknowledged(json.loads(answer)["correlationId"], began)
        client.close()
