"""A poster: orders for its users in turn, at its share of the rate. It writes down all it does.

    intend (synced) ──▶ POST ──▶ try ──▶ acknowledged ──▶ the user's tabs
                          ▲        │
                          └────────┘ with a key: again until there is an answer

Every other poster sends an Idempotency-Key and repeats; now and then it sends the same POST twice in
the same moment. The others never repeat: what got no answer may exist or not.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import TYPE_CHECKING

from ledger import Lines
from people import Promise, Target, User
from wire import Doubt, HTTPClient

if TYPE_CHECKING:
    from crowd import Crowd

# Share of the keyed POSTs that are sent twice in the same moment.
DOUBLE_CLICKS = 0.05
# Seconds. A client waits longer than the server may take, so that lateness is seen and not guessed.
POST_WITHIN = 8.0


class Poster:
    def __init__(self, crowd: Crowd, number: int, users: list[User], targets: list[Target],
                 pause: float, aborts: float):
        self.crowd, self.number, self.users, self.targets = crowd, number, users, targets
        self.repeats = number % 2 == 1
        self.pause, self.aborts, self.double_clicks = pause, aborts, DOUBLE_CLICKS
        self.random = random.Random(f"{crowd.seed} poster {number}")
        self._clients = {target.name: HTTPClient(target.address) for target in targets}
        self._turn = 0

    async def run(self) -> None:
        while not self.crowd.is_posting_over:
            await self.order()
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.pause)

    async def order(self) -> None:
        self._turn += 1
        user = self.users[self._turn % len(self.users)]
        lines = user.next_lines()
        key = f"{user.name}-{user.number}"
        began = time.monotonic()
        self.crowd.posted += 1
        await self.crowd.ledger.intend(key, user.name, lines, self.repeats)
        while True:
            target = self.random.choice(self.targets)
            tries = [self._try(self._clients[target.name], target, key, user, lines)]
            if self.repeats and self.random.random() < self.double_clicks:
                tries.append(self._click_again(key, user, lines))
            orders = [order for order in await asyncio.gather(*tries) if order]
            for order in orders:
                self._acknowledged(Promise(user.name, order["correlationId"], order["id"], lines,
                                           began), user)
            if orders or not self.repeats or self.crowd.has_given_up:
                return
            await asyncio.sleep(self.random.uniform(0.05, 0.3))

    async def _click_again(self, key: str, user: User, lines: Lines) -> dict | None:
        target = self.random.choice(self.targets)
        client = HTTPClient(target.address)
        try:
            return await self._try(client, target, key, user, lines)
        finally:
            client.close()

    async def order_and_leave(self) -> None:
        """One order of somebody who comes for nothing else."""
        await self.order()
        for client in self._clients.values():
            client.close()

    async def _try(self, client: HTTPClient, target: Target, key: str, user: User,
                   lines: Lines) -> dict | None:
        fields = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
        if self.repeats:
            fields["Idempotency-Key"] = key
        body = json.dumps({"items": [{"productId": product, "quantity": quantity}
                                     for product, quantity in lines]}).encode()
        abort_after = None
        if self.random.random() < self.aborts:
            # Half of them in the middle, half after the last byte and before the answer.
            abort_after = self.random.choice([self.random.randrange(600), 1 << 20])
        began = time.monotonic()
        record = {"try": key, "via": target.name, "began": began, "status": None}
        order = None
        self.crowd.in_flight += 1
        try:
            record["status"], answer = await client.request(
                "POST", "/api/orders", fields, body, POST_WITHIN, abort_after)
            if record["status"] in (200, 201):
                order = json.loads(answer)
                record.update(id=order["id"], correlation=order["correlationId"])
        except Doubt as doubt:
            record["why"] = doubt.why
            self.crowd.doubts += doubt.why != "aborted"
            self.crowd.aborts += doubt.why == "aborted"
        finally:
            self.crowd.in_flight -= 1
        self.crowd.ledger.write("posts", **record)
        return order

    def _acknowledged(self, order: Promise, user: User) -> None:
        if order.correlation in user.acknowledged:
            return
        self.crowd.acknowledged += 1
        user.acknowledged[order.correlation] = order
        for tab in user.tabs:
            tab.order_made(order)
