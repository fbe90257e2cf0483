"""The clients: posters that order, tabs that listen, on one event loop in a thread of its own.

    harness's threads ── burst, gather, untold … ──▶ loop ─┬─ Poster …
                                                           └─ Tab …

The methods of `Crowd` may be called from any thread.
"""

import asyncio
import math
import random
import threading
import time

from ledger import Ledger
from people import Promise, Target, User
from poster import Poster
from support.tokens import token_for
from tab import Tab

TOKEN_LIFETIME = 12 * 3600


class Crowd:
    """All clients on a thread of their own."""

    def __init__(self, ledger: Ledger, seed: int):
        self.ledger, self.seed = ledger, seed
        self.users: list[User] = []
        self.posters: list[Poster] = []
        # Counts so far, for evidence and for the table.
        self.posted = self.acknowledged = self.doubts = self.aborts = self.drops = 0
        self.in_flight = self.failed_questions = self.empty_answers = 0
        self.is_posting_over = self.has_given_up = self.is_over = self.is_gathering = False
        self.loop = asyncio.new_event_loop()
        self.gathering = asyncio.Event()
        self._first_told: dict[str, float] = {}
        self._tasks: list[asyncio.Task] = []
        self._posting: list[asyncio.Task] = []
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
        self.accidents: list[str] = []

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def people(self, posters: list[Target], nodes: list[Target], *, users: int, poster_count: int,
               rate: float, aborts: float) -> None:
        """Makes users, tabs and posters; `rate` is orders per second of all posters together.

        Of ten users six have one tab that stays, two have two on different nodes, one comes back
        every 5 to 10 s, one is away for 10 to 20 s at a time.
        """
        self.users = [User(f"crowd-{number:03}") for number in range(users)]
        for number, user in enumerate(self.users):
            user.token = token_for(user.name, lifetime=TOKEN_LIFETIME)
            turned = nodes[number % len(nodes):] + nodes[:number % len(nodes)]
            kind = number % 10
            if kind < 6:
                user.tabs = [Tab(self, user, turned, registers=number % 2 == 0)]
            elif kind < 8:
                user.tabs = [Tab(self, user, turned, registers=True),
                             Tab(self, user, turned[1:] + turned[:1], registers=False)]
            elif kind == 8:
                user.tabs = [Tab(self, user, turned, registers=True, stays=(5, 10))]
            else:
                user.tabs = [Tab(self, user, turned, registers=True, stays=(3, 8),
                                 leaves=(10, 20))]
        self.posters = [
            Poster(self, number, self.users[number::poster_count], posters,
                   poster_count / rate, aborts)
            for number in range(poster_count)]

    @property
    def tabs(self) -> list[Tab]:
        return [tab for user in self.users for tab in user.tabs]

    # Called from the harness's threads

    def start(self) -> None:
        self._thread.start()
        self._on_loop(self._start_tabs)

    def start_posting(self) -> None:
        self._on_loop(self._start_posters)

    def spawn(self, work) -> None:
        """Runs a coroutine until the end of the run."""
        self._on_loop(lambda: self._keep(work))

    def finish(self, work) -> None:
        """Runs a coroutine to its end."""
        asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def burst(self, count: int) -> None:
        """So many orders at once, so that a fault meets some of them under way."""
        def orders():
            for number in range(count):
                source = self.posters[number % len(self.posters)]
                twin = Poster(self, source.number, source.users, source.targets, 0, 0)
                twin._turn, twin.double_clicks = self.posted + number, source.double_clicks
                twin.random = random.Random(f"{self.seed} burst {self.posted} {number}")
                self._posting.append(self._keep(twin.order_and_leave()))
        self._on_loop(orders)

    def end_posting(self, within: float) -> None:
        """Lets every order under way come to its end; after `within` seconds nobody repeats."""
        self.is_posting_over = True
        deadline = time.monotonic() + within
        while any(not task.done() for task in self._posting):
            self.has_given_up = time.monotonic() > deadline
            time.sleep(0.05)

    def gather(self) -> None:
        """Everybody comes and stays."""
        def stay():
            self.is_gathering = True
            for tab in self.tabs:
                tab.stays = None
            self.gathering.set()
        self._on_loop(stay)

    def untold(self) -> int:
        """What the tabs together must still hear."""
        return self._on_loop(lambda: sum(len(tab.lacks()) for tab in self.tabs))

    def under_way(self) -> int:
        """Orders that are being posted, or are acknowledged and nobody was told of."""
        return self.in_flight + max(0, self.acknowledged - len(self._first_told))

    def absent(self) -> int:
        return self._on_loop(lambda: sum(not tab.is_open for tab in self.tabs))

    def told_after(self, moment: float) -> float | None:
        """When an order that was posted after `moment` was told of first."""
        def first():
            times = []
            for user in self.users:
                for order in reversed(user.acknowledged.values()):
                    if order.began < moment:
                        break
                    times.append(self._first_told.get(order.correlation, math.inf))
            earliest = min(times, default=math.inf)
            return None if earliest == math.inf else earliest
        return self._on_loop(first)

    def told_order(self, source: random.Random) -> Promise | None:
        """Some order of whose end its user was told; None if the choice fell on none."""
        def pick():
            ordered = [user for user in self.users if user.acknowledged]
            if not ordered:
                return None
            order = source.choice(list(source.choice(ordered).acknowledged.values()))
            return order if order.correlation in self._first_told else None
        return self._on_loop(pick)

    def pry(self, source: random.Random) -> None:
        """Some tab asks about an order of somebody else."""
        def ask():
            tab = source.choice(self.tabs)
            others = [user for user in self.users if user is not tab.user and user.acknowledged]
            if others:
                tab.pry(source.choice(list(source.choice(others).acknowledged)))
        self._on_loop(ask)

    def end(self) -> None:
        """Closes everything; connections that are open now count as open until the end."""
        if not self._thread.is_alive():
            return
        async def leave():
            self.is_over = True
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(leave(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    # On the loop

    def was_told(self, correlation: str) -> None:
        self._first_told.setdefault(correlation, time.monotonic())

    def _start_tabs(self) -> None:
        for tab in self.tabs:
            self._keep(tab.run())

    def _start_posters(self) -> None:
        self._posting += [self._keep(poster.run()) for poster in self.posters]

    def _keep(self, work) -> asyncio.Task:
        task = self.loop.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task) -> None:
        """A client that had an accident of its own makes the run worthless."""
        if not task.cancelled() and task.exception():
            self.accidents.append(repr(task.exception()))

    def _on_loop(self, call):
        done = threading.Event()
        outcome = []

        def run():
            try:
                outcome.append((call(), None))
            except BaseException as error:
                outcome.append((None, error))
            done.set()
        self.loop.call_soon_threadsafe(run)
        assert done.wait(30), "the crowd's loop does not turn"
        value, error = outcome[0]
        if error:
            raise error
        return value
