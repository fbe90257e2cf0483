"""The clients of the crash test: posters that repeat until acknowledged, listeners that reconnect.

    Poster ── POST with its key, again and again ──▶ server ── 201 ──▶ ledger, listener.order_made
    Listener ── connect ──▶ RegisterOrder, GetCurrentStatus of what is open ──▶ listen ──▶ (cut) ──┐
        └──────────────────────────────────────────────────────────────────────────────────────────┘

Both do what the shop does and no more: a listener asks for a status once after each connect and
once after each order, and otherwise waits for the push.
"""

import random
import threading
from collections.abc import Callable

from .deadline import LOOK_AGAIN
from .http_wire import PeerClosed
from .hub_client import HubClient
from .ledger import Attempt, Ledger, Note
from .server import Server
from .shop import Shop

PRODUCTS = ["AZ-900", "AZ-104", "AZ-204"]
LISTEN = 0.02


class Worker(threading.Thread):
    """A thread whose accident fails the test that joins it."""

    def __init__(self, name: str):
        super().__init__(name=name, daemon=True)
        self.accident: BaseException | None = None
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as accident:
            self.accident = accident

    def work(self) -> None:
        raise NotImplementedError

    def finish(self, within: float) -> None:
        """Waits for its end; the test fails if there is none or if it was an accident."""
        self.stopping.set()
        self.join(within)
        assert not self.is_alive(), f"{self.name} does not end"
        if self.accident:
            raise AssertionError(f"{self.name} had an accident") from self.accident


class Listener(Worker):
    """One tab of a user that is open as often as the server lets it."""

    def __init__(self, server: Server, user: str, ledger: Ledger, tab: int = 0):
        super().__init__(f"listener of {user}, tab {tab}")
        self.server, self.user, self.ledger = server, user, ledger
        self.connects = 0
        self._lock = threading.Lock()
        self._unregistered: list[str] = []

    def order_made(self, correlation: str) -> None:
        """The shop has read a 201; it registers the order on this tab's connection."""
        with self._lock:
            self._unregistered.append(correlation)

    def work(self) -> None:
        while not self.stopping.is_set():
            try:
                with HubClient(self.server, self.user) as hub:
                    self.connects += 1
                    self._listen(hub)
            except (PeerClosed, OSError):
                self.stopping.wait(LOOK_AGAIN)

    def _listen(self, hub: HubClient) -> None:
        """From a connect to its loss. What was heard is written down also if the end is sudden."""
        heard = 0
        open_orders = self.ledger.acknowledged(self.user) - self.ledger.told(self.user)
        with self._lock:
            self._unregistered = []
        try:
            for correlation in open_orders:
                self._register(hub, correlation)
            while not self.stopping.is_set():
                with self._lock:
                    made, self._unregistered = self._unregistered, []
                for correlation in made:
                    self._register(hub, correlation)
                hub.listen(LISTEN)
                heard = self._write_down(hub, heard)
        finally:
            self._write_down(hub, heard)

    def _register(self, hub: HubClient, correlation: str) -> None:
        hub.result("RegisterOrder", correlation)
        status = hub.result("GetCurrentStatus", correlation)
        if status is not None:
            self.ledger.hear(Note(self.user, correlation, status["orderId"], status["status"]))

    def _write_down(self, hub: HubClient, heard: int) -> int:
        for note in hub.notifications[heard:]:
            self.ledger.hear(Note(self.user, note["correlationId"]["value"], note["orderId"],
                                  note["status"]))
        return len(hub.notifications)


class Poster(Worker):
    """Posts orders for its users in turn until it is told to stop and has posted its share."""

    def __init__(self, server: Server, users: list[str], ledger: Ledger, seed: int, share: int,
                 on_order: Callable[[str, str], None], pause: float = 0.0):
        super().__init__(f"poster of {users[0]}")
        self.shops = [Shop(server, user) for user in users]
        self.ledger, self.share, self.on_order, self.pause = ledger, share, on_order, pause
        self.random = random.Random(seed)
        self.statuses: dict[int, int] = {}
        # Requests that were sent and never answered: nobody knows whether their orders exist.
        self.in_doubt = 0

    def work(self) -> None:
        posted = 0
        while posted < self.share or not self.stopping.is_set():
            shop = self.shops[posted % len(self.shops)]
            self._post(shop, posted)
            posted += 1
            # Paced, so that the work spreads over all faults; nothing is waited for here.
            self.stopping.wait(self.random.uniform(0, 2 * self.pause))

    def _post(self, shop: Shop, number: int) -> None:
        attempt = self.ledger.intend(f"{shop.user}-{number}", shop.user, lines_of(number))
        while not attempt.acknowledgements:
            self._try(shop, attempt)
        self.on_order(shop.user, attempt.acknowledgements[0][1])

    def _try(self, shop: Shop, attempt: Attempt) -> None:
        try:
            response = shop.order(*attempt.lines, Idempotency_Key=attempt.key)
        except PeerClosed:
            self.in_doubt += 1
            return
        except OSError:
            self.stopping.wait(LOOK_AGAIN)
            return
        self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
        if response.status in (200, 201):
            self.ledger.acknowledge(attempt, response.json())
        else:
            assert response.status == 503, response


def lines_of(number: int) -> list[tuple[str, int]]:
    """Lines that no other order of the same user has: the number to the base of 9, plus one."""
    return [(product, number // 9 ** place % 9 + 1) for place, product in enumerate(PRODUCTS)]
