"""One fault while it happens: what it may touch, what it has met, whom it has hit.

    orders go out ──▶ the fault ──▶ it lasts ──▶ it heals ──▶ evidence

A fault that met nothing has proved nothing; so some orders go out in its first moment.
"""

import random
import signal
import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from crowd import Crowd
from faultproxy import Link
from stage import Stage

# Orders that are sent in the moment of a fault.
BURST = 12


@dataclass(frozen=True)
class Step:
    """One line of the plan."""
    fault: str
    target: str
    # How long it lasts, and the pause after it.
    seconds: float
    gap: float
    # What else the fault must choose comes from this.
    seed: int


class Scene:
    """What a fault may touch, and what it has met so far."""

    def __init__(self, stage: Stage, crowd: Crowd, step: Step):
        self.stage, self.crowd, self.step = stage, crowd, step
        self.random = random.Random(step.seed)
        # Processes that were frozen or killed.
        self.hits: list[str] = []
        # What it met; the fault bit if any of them counts.
        self.bites: dict[str, int] = {}
        # Which of its ways the fault chose.
        self.ways: list[str] = []
        self.began = self.ended = 0.0

    def met(self, what: str, count: int) -> None:
        self.bites[what] = self.bites.get(what, 0) + count

    def bite_count(self) -> int:
        """Links must have met traffic; without links it is enough that orders were under way."""
        on_links = {"connections", "octets"} & self.bites.keys()
        return sum(count for what, count in self.bites.items() if not on_links or what in on_links)

    @property
    def evidence(self) -> str:
        return ", ".join([*self.ways, *(f"{count} {what}" for what, count in self.bites.items()
                                        if count)])

    def lasts(self) -> None:
        time.sleep(self.step.seconds)

    def order_now(self) -> None:
        """Orders go out; returns when they are on their way."""
        self.crowd.burst(BURST)
        time.sleep(self.random.uniform(0.005, 0.06))
        self.met("orders under way", self.crowd.under_way())

    @contextmanager
    def on_links(self, links: Iterable[Link]):
        """Counts what the links meet, and lets them pass again at the end."""
        links = list(links)
        before = [link.counts() for link in links]
        try:
            yield links
        finally:
            for link in links:
                link.passes()
        after = [link.counts().since(count) for link, count in zip(links, before)]
        self.met("connections", sum(one.cut + one.broken + one.refused + one.held
                                    for one in after))
        self.met("octets", sum(one.bytes_bitten for one in after))

    # Processes of the platform

    def kill(self, *names: str) -> None:
        """kill -9, some seconds of absence, start."""
        self.hits += names
        pods = [self.stage.pods[name] for name in names]
        doubts, drops = self.crowd.doubts, self.crowd.drops
        self.order_now()
        for pod in pods:
            pod.kill()
        self.lasts()
        for pod in pods:
            pod.start_patiently()
        self.met("requests", self.crowd.doubts - doubts)
        self.met("hub connections", self.crowd.drops - drops)

    def drain(self, name: str) -> None:
        """SIGTERM; it must end by itself with 0."""
        self.hits.append(name)
        pod = self.stage.pods[name]
        self.order_now()
        code = pod.stop()
        if code != 0:
            self.stage.accidents.append(f"{name} ended with {code} after SIGTERM")
        pod.start_patiently()

    def freeze(self, name: str) -> None:
        self.hits.append(name)
        process = self.stage.pods[name].process
        self.order_now()
        process.send_signal(signal.SIGSTOP)
        try:
            self.lasts()
        finally:
            process.send_signal(signal.SIGCONT)
