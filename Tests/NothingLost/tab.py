"""A tab: one place where a user looks. It writes down all it hears.

    connect ──▶ RegisterOrder, GetCurrentStatus of what is outstanding ──▶ listen ──▶ (cut) ──┐
       └──────────────────────────────────────────────────────────────────────────────────────┘

It does what the shop does: after an acknowledgement the first tab of a user registers the order;
after a connect it asks once for what it does not know yet, and again only if the call failed. All
else must come as a push.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from ledger import COMPLETED
from people import Promise, Target, User
from wire import Doubt, HubSocket

if TYPE_CHECKING:
    from crowd import Crowd

# Seconds.
CONNECT_WITHIN = 8.0
PING_EVERY = 5.0
# The pods ping every 5 s.
SILENCE_MAX = 15.0
ASK_AGAIN = 0.5


class Tab:
    """`stays` and `leaves` are ranges of seconds; None: for ever."""

    numbers = iter(range(1, 1 << 62))

    def __init__(self, crowd: Crowd, user: User, targets: list[Target], *, registers: bool,
                 stays: tuple[float, float] | None = None,
                 leaves: tuple[float, float] = (0.1, 1.0)):
        self.crowd, self.user, self.targets = crowd, user, targets
        self.registers, self.stays, self.leaves = registers, stays, leaves
        self.heard: set[str] = set()
        self.socket: HubSocket | None = None
        self.opened = 0.0
        self.number = 0
        self._visits = 0
        self._asked: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        return self.socket is not None

    async def run(self) -> None:
        source = random.Random(f"{self.crowd.seed} {self.user.name} {self.registers}")
        while True:
            target = self.targets[self._visits % len(self.targets)]
            self._visits += 1
            try:
                await self._visit(target, source)
            except Doubt:
                pass
            pause = (0.1, 1.0) if self.crowd.is_gathering else self.leaves
            await self._sleep(source.uniform(*pause))

    async def _sleep(self, seconds: float) -> None:
        """Sleeps; all come back at once when the crowd gathers."""
        if self.crowd.is_gathering:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self.crowd.gathering.wait()
        except TimeoutError:
            pass

    async def _visit(self, target: Target, source: random.Random) -> None:
        socket = await HubSocket.open(target.address, self.user.token, CONNECT_WITHIN)
        self.number, self.opened = next(self.numbers), time.monotonic()
        self.crowd.ledger.write("notes", open=self.number, user=self.user.name, node=target.name,
                                t=self.opened)
        self.socket, self._asked = socket, {}
        why = "left"
        try:
            for correlation in self.user.acknowledged.keys() - self.heard:
                socket.invoke("RegisterOrder", correlation)
                self._ask(correlation)
            tasks = [asyncio.create_task(self._listen(socket)),
                     asyncio.create_task(self._ping(socket))]
            if self.stays:
                tasks.append(asyncio.create_task(self._sleep(source.uniform(*self.stays))))
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except Doubt as doubt:
            why = doubt.why
            self.crowd.drops += 1
            raise
        finally:
            self.socket = None
            socket.close()
            if not self.crowd.is_over:
                self.crowd.ledger.write("notes", close=self.number, why=why)

    async def _ping(self, socket: HubSocket) -> None:
        while True:
            await asyncio.sleep(PING_EVERY)
            socket.send({"type": 6})

    async def _listen(self, socket: HubSocket) -> None:
        while True:
            try:
                async with asyncio.timeout(SILENCE_MAX):
                    records = await socket.receive()
            except TimeoutError:
                raise Doubt("silent") from None
            for record in records:
                self._take(record)

    def _take(self, record: dict) -> None:
        kind = record.get("type")
        if kind == 1 and record["target"] == "Notification":
            note = record["arguments"][0]
            self._hear(note["correlationId"]["value"], note["orderId"], note["status"], "push")
        elif kind == 3:
            self._complete(record)
        elif kind == 7:
            raise Doubt("close record")

    def _complete(self, record: dict) -> None:
        correlation = self._asked.pop(record["invocationId"], None)
        if correlation is None:
            return
        if correlation not in self.user.acknowledged and (
                "error" in record or record.get("result") is None):
            return  # A stranger's order, rightly kept from us.
        if "error" in record:
            self.crowd.failed_questions += 1
            asyncio.get_running_loop().call_later(ASK_AGAIN, self._ask, correlation)
        elif record.get("result") is None:
            self.crowd.empty_answers += 1
        else:
            status = record["result"]
            self._hear(correlation, status["orderId"], status["status"], "answer")

    def _hear(self, correlation: str, order_id: int | None, status: int, how: str) -> None:
        self.crowd.ledger.write("notes", hear=self.number, correlation=correlation, id=order_id,
                                status=status, how=how, wall=time.time())
        if status == COMPLETED:
            self.heard.add(correlation)
            self.crowd.was_told(correlation)

    def _ask(self, correlation: str) -> None:
        if self.socket:
            self._asked[self.socket.invoke("GetCurrentStatus", correlation)] = correlation

    def order_made(self, order: Promise) -> None:
        """The user's POST has been acknowledged."""
        if not self.socket:
            return
        if self.registers:
            self.socket.invoke("RegisterOrder", order.correlation)
        # It may have been completed before this connection was there.
        if self.opened > order.began:
            self._ask(order.correlation)

    def pry(self, foreign: str) -> None:
        """Asks about an order of somebody else, which must tell nothing."""
        if self.socket:
            self.socket.invoke("RegisterOrder", foreign)
            self._asked[self.socket.invoke("GetCurrentStatus", foreign)] = foreign

    def lacks(self) -> set[str]:
        """What this tab must still hear."""
        return self.user.acknowledged.keys() - self.heard
