"""Nothing is lost and nothing happens twice, whenever the process dies.

    posters (8) ──▶ server ◀── listeners          kill -9 ×10 at random moments, restart each time
                      │                            then the 15 crash points, one run of orders each
                      ▼
                   database ──▶ judge ◀── ledger

The seed decides the moments of the kills and is printed; CONTOSO_E2E_SEED repeats a run as far as
the machine allows. Source: the invariants in support/ledger.py; Runtime/CrashPoint.swift.
"""

import os
import random
import signal

import pytest

from support.crowd import Listener, Poster
from support.database import Database
from support.deadline import until
from support.ledger import Ledger, Remains, judge
from support.server import Server

KILLS = 10
ORDERS = 200
QUIET_WITHIN = 30.0

# In a build for production none of these exists.
CRASH_POINTS = [
    "accept.beforeCommit", "accept.afterCommit", "accept.beforeReply",
    "relay.beforePublish", "relay.afterPublish", "relay.afterConfirm",
    "process.afterReceive", "process.afterCommit", "process.afterAck",
    "notify.afterReceive", "notify.afterResolve", "notify.afterBackplane", "notify.afterAck",
    "drain.middle", "migrate.middle"]
CRASHED = 137
# The second time rather than the first: then something has gone well before.
REACHED_AT = {"drain.middle": 1, "migrate.middle": 1}


class Run:
    """Posters and listeners around one server, and the judgement at the end."""

    def __init__(self, server: Server, posters: int, share: int, seed: int, pause: float = 0.0):
        self.server = server
        self.ledger = Ledger(server.directory / "posts.jsonl")
        users = [f"crowd-{number}" for number in range(2 * posters)]
        # Every other user listens, one of them in two tabs.
        self.listeners = [Listener(server, user, self.ledger) for user in users[::2]]
        self.listeners.append(Listener(server, users[0], self.ledger, tab=1))
        self.posters = [
            Poster(server, users[2 * number:2 * number + 2], self.ledger, seed + number, share,
                   self._order_made, pause) for number in range(posters)]

    def _order_made(self, user: str, correlation: str) -> None:
        for listener in self.listeners:
            if listener.user == user:
                listener.order_made(correlation)

    def begin(self) -> None:
        for worker in [*self.listeners, *self.posters]:
            worker.start()

    def end_posting(self) -> None:
        for poster in self.posters:
            poster.finish(QUIET_WITHIN)

    def judgement(self) -> list[str]:
        """Waits until all is quiet and told, ends the server cleanly, and judges."""
        database = Database(self.server.database)
        listening = {listener.user for listener in self.listeners}
        try:
            until("no work is left", database.is_quiet, QUIET_WITHIN)
            until("everybody is told", lambda: all(
                self.ledger.acknowledged(user) <= self.ledger.told(user) for user in listening),
                QUIET_WITHIN)
        except AssertionError as impatience:
            print(impatience)
        for listener in self.listeners:
            listener.finish(QUIET_WITHIN)
        self.ledger.close()
        self.server.end()
        # The seeded orders are of no attempt.
        orders = [order for order in database.orders() if not order["user"].startswith("CUST-")]
        return judge(self.ledger, Remains(
            orders, database.unpublished(),
            database.count("QueueMessage", "Queue NOT LIKE '%.dlq'"), database.dead_letters()),
            listening)


def test_ten_kills_at_random_moments_lose_nothing_and_double_nothing(new_server):
    seed = int(os.environ.get("CONTOSO_E2E_SEED") or random.randrange(1 << 30))
    print(f"seed {seed}")
    moments = random.Random(seed)
    server = new_server().start()
    run = Run(server, posters=8, share=ORDERS // 8, seed=seed, pause=0.01)
    run.begin()
    for _ in range(KILLS):
        at_kill = len(run.ledger.attempts)
        # The gap is part of the schedule: from a server that has hardly begun to one in full work.
        gap = moments.uniform(0.02, 0.6)
        until("orders are on their way", lambda: len(run.ledger.attempts) > at_kill)
        run.posters[0].stopping.wait(gap)
        assert server.kill() == -signal.SIGKILL
        server.start()
    run.end_posting()

    violations = run.judgement()

    in_doubt = sum(poster.in_doubt for poster in run.posters)
    print(f"{len(run.ledger.attempts)} orders, {in_doubt} requests in doubt, "
          f"{len(run.ledger.notes)} notes")
    assert violations == [], f"seed {seed}"
    assert len(run.ledger.attempts) >= ORDERS
    # The kills bit: requests were cut off, and every listener lost connections.
    assert in_doubt > 0
    assert all(listener.connects > KILLS // 2 for listener in run.listeners)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_crash_at_each_point_loses_nothing_and_doubles_nothing(new_server, point):
    server = new_server()
    crash = {"CRASH_AT": f"{point}:{REACHED_AT.get(point, 2)}"}
    if point == "migrate.middle":
        server.spawn(**crash)
        assert_crashed_at(server, point)
        server.start()
    else:
        server.start(**crash)
    run = Run(server, posters=4, share=5, seed=1)
    run.begin()
    if point == "drain.middle":
        until("half of the orders are posted", lambda: len(run.ledger.attempts) >= 10)
        server.process.send_signal(signal.SIGTERM)
    if point != "migrate.middle":
        assert_crashed_at(server, point)
        server.start()
    run.end_posting()

    assert run.judgement() == []
    assert len(run.ledger.attempts) >= 20


def assert_crashed_at(server: Server, point: str) -> None:
    """A point that nobody reaches proves nothing."""
    code = server.wait(within=10)
    assert code == CRASHED, f"it ended with {code} and not by the crash point"
    assert f"crash point {point} reached" in server.log(), server.log()[-2000:]
