"""A day in minutes: nothing that clients do may leave anything behind.

    start ─▶ warm-up ─▶ quiet: the start level ─▶ load and faults ─▶ quiet ─▶ compare ─▶ "N passed, N failed"

    run.py --minutes 30                one process with all roles
    run.py --minutes 30 --cluster      pods, Redis, RabbitMQ, PostgreSQL, and links that break
    run.py --control leak              one connection is kept on purpose: the run must notice it
    run.py --seed 7 --rate 60          a printed seed again; clients per second

At the end every gauge of every process must be what it was after the warm-up: descriptors, threads,
connections, timers, queued output, hub connections, orders and events that wait. Resident memory may be
MEMORY_TOLERANCE above it. Samples: .build/soak. Exit status 1: something has not come back.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "EndToEnd"), str(HERE.parent / "NothingLost")]

from clients import HONEST, OTHERS, Door, users
from faultproxy import FaultProxy
from gauges import Held, has_come_back, look
from stage import Cluster
from support.certificate import make_certificate
from support.deadline import Deadline
from support.http_wire import PeerClosed
from support.hub_client import HubClient
from support.metrics import LISTENING, Metrics
from support.server import OUTPUT, Address, Server

MIB = 1 << 20
# The allocator keeps what a burst has needed; SQLite's caches fill slowly.
MEMORY_TOLERANCE = 12 * MIB
# Of the second half of a long run, per hour: a leak grows, a cache stops.
SLOPE_TOLERANCE = 16 * MIB
SLOPE_MINUTES = 10
CLIENTS_MAX = 64
QUIET_WITHIN = 120.0
# What somebody keeps does not come back, however long one waits.
CONTROL_WITHIN = 40.0
# Two looks that far apart see the same.
STILL_FOR = 2.0
SETTINGS = {**LISTENING,
            # Whatever is kept for a while ends within a run.
            "CONTOSO_WORKFLOW__TTL": "20s", "CONTOSO_HUB__CLIENT_TIMEOUT": "10s",
            "CONTOSO_HUB__KEEP_ALIVE": "4s", "CONTOSO_HUB__DISCONNECT_TIMEOUT": "5s",
            "CONTOSO_HUB__POLL_TIMEOUT": "5s"}


class Alone:
    """One process that does everything."""

    def __init__(self, directory: Path):
        self.certificate = make_certificate(directory / "certificate")
        self.server = Server(directory / "contoso", self.certificate, environment=SETTINGS)
        self.pods = [self.server]

    def start(self) -> None:
        self.server.start()

    def doors(self) -> list[Door]:
        return [Door(self.server.http, self.server.https)]

    def disturb(self, chance: random.Random) -> None:
        """A new certificate, and the old one again where it cannot be read."""
        make_certificate(self.certificate.certificate.parent)
        self.server.process.send_signal(signal.SIGHUP)

    def heal(self) -> None:
        pass

    def stop(self) -> None:
        self.server.end()


class Together:
    """Pods of one role each, and a link from every pod to everything that is behind it."""

    def __init__(self, directory: Path, seed: int):
        self.stage = Cluster(directory / "stage", FaultProxy(seed))
        self.pods = list(self.stage.pods.values())
        for pod in self.pods:
            pod.environment.update(SETTINGS)

    def start(self) -> None:
        self.stage.start()

    def doors(self) -> list[Door]:
        accept = [pod.http for pod in self.stage.of_role("accept")]
        notification = [pod.http for pod in self.stage.of_role("notification")]
        return [Door(hub, orders=orders) for hub in notification for orders in accept]

    def disturb(self, chance: random.Random) -> None:
        """Takes a link, or a server behind, away for some seconds."""
        if chance.random() < 0.2:
            engine = chance.choice([self.stage.redis, self.stage.rabbit, self.stage.postgres])
            engine.restart(kill=True)
            return
        link = chance.choice(list(self.stage.links.values()))
        chance.choice([link.cut, link.fin, link.half, link.refuse, link.hold])()
        time.sleep(chance.uniform(0.5, 4))
        link.passes()

    def heal(self) -> None:
        for link in self.stage.links.values():
            link.passes()

    def stop(self) -> None:
        self.stage.stop()
        assert not self.stage.accidents, self.stage.accidents


class Load:
    """Clients at a bounded rate, honest ones and others; what they met is counted by kind."""

    def __init__(self, doors: list[Door], seed: int, rate: float):
        self.doors, self.rate = doors, rate
        self.chance = random.Random(f"{seed} load")
        self.counts: dict[str, int] = {}
        self.failures: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def run(self, seconds: float) -> None:
        deadline = Deadline(seconds)
        places = threading.Semaphore(CLIENTS_MAX)
        next_start = time.monotonic()
        with ThreadPoolExecutor(CLIENTS_MAX) as pool:
            while not deadline.passed():
                places.acquire()
                time.sleep(max(0.0, next_start - time.monotonic()))
                # Late clients are not made up for: that would be a storm.
                next_start = max(next_start + 1 / self.rate, time.monotonic())
                client = self.chance.choice(HONEST if self.chance.random() < 0.5 else OTHERS)
                door, seed = self.chance.choice(self.doors), self.chance.getrandbits(32)
                future = pool.submit(self._one, client, door, random.Random(seed))
                future.add_done_callback(lambda _: places.release())

    def _one(self, client, door: Door, chance: random.Random) -> None:
        name = client.__name__
        try:
            client(door, chance)
        except Exception as error:
            # What becomes of the others is their own affair.
            if client in HONEST:
                with self._lock:
                    self.failures.append((time.monotonic(), f"{name}: {error!r:.300}"))
        with self._lock:
            self.counts[name] = self.counts.get(name, 0) + 1


class Soak:
    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.directory = OUTPUT.parent / "soak"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.place = (Together(self.directory, options.seed) if options.cluster
                      else Alone(self.directory))
        self.verdicts: list[tuple[bool, str]] = []
        # Where each process serves its metrics.
        self.metrics: list[Address] = []
        self.samples: list[tuple[float, list[Held]]] = []
        # When something behind the servers was taken away: honest clients may fail there.
        self.disturbances: list[float] = []

    def run(self) -> int:
        seconds = self.options.minutes * 60
        self.place.start()
        try:
            self.metrics = [Metrics(pod).address for pod in self.place.pods]
            load = Load(self.place.doors(), self.options.seed, self.options.rate)
            print(f"seed {self.options.seed}: warm-up", flush=True)
            load.run(max(10.0, min(120.0, seconds / 5)))
            start = self._quiet(None)
            load.counts, load.failures = {}, []
            print(f"load: {self.options.minutes:g} min, {self.options.rate:g} clients/s", flush=True)
            kept = self._keep_one() if self.options.control else None
            self._load(load, seconds)
            self.place.heal()
            print("quiet", flush=True)
            end = self._quiet(start)
            if kept is not None:
                kept.set()
            self._judge(start, end, load)
        finally:
            self._claim("every process has lived and ends cleanly", self._stops)
        return self._report(start, end, load)

    def _load(self, load: Load, seconds: float) -> None:
        stopped = threading.Event()
        watcher = threading.Thread(target=self._watch, args=[stopped])
        meddler = threading.Thread(target=self._disturb, args=[stopped])
        watcher.start()
        meddler.start()
        try:
            load.run(seconds)
        finally:
            stopped.set()
            watcher.join()
            meddler.join()

    def _watch(self, stopped: threading.Event) -> None:
        every = max(1.0, min(10.0, self.options.minutes * 60 / 60))
        with open(self.directory / "samples.jsonl", "w") as file:
            while not stopped.wait(every):
                held = [look(address) for address in self.metrics]
                self.samples.append((time.monotonic(), held))
                for pod, one in zip(self.place.pods, held):
                    print(json.dumps({"pod": pod.directory.name, "rss": one.resident, **one.gauges}),
                          file=file, flush=True)

    def _disturb(self, stopped: threading.Event) -> None:
        chance = random.Random(f"{self.options.seed} faults")
        while not stopped.wait(chance.uniform(3, 12)):
            if self.options.cluster:
                self.disturbances.append(time.monotonic())
            self.place.disturb(chance)
            if self.options.cluster:
                self.disturbances.append(time.monotonic())

    def _keep_one(self) -> threading.Event:
        """The control: a connection that somebody has forgotten to close."""
        forgotten = threading.Event()
        user, token = users.any(random.Random(0))
        tab = HubClient(self.place.doors()[0], user, token)

        def keep() -> None:
            try:
                while not forgotten.is_set():
                    tab.result("Ping")
                    tab.listen(1)
            except PeerClosed:
                # The server has ended, and this run with it.
                pass
            tab.close()
        threading.Thread(target=keep, daemon=True).start()
        return forgotten

    def _quiet(self, wanted: list[Held] | None) -> list[Held]:
        """What the processes hold once that does not change any more, or is what it was at the start."""
        deadline = Deadline(CONTROL_WITHIN if self.options.control else QUIET_WITHIN)
        latest = [look(address) for address in self.metrics]
        # Sessions, tokens and statuses that nobody asks for again must have had their time.
        settled = Deadline(25 if wanted is None else 0)
        while not deadline.passed():
            time.sleep(STILL_FOR)
            now = [look(address) for address in self.metrics]
            reference = latest if wanted is None else wanted
            is_still = all(not a.differences(b) for a, b in zip(now, reference))
            latest = now
            if is_still and settled.passed():
                break
        return latest

    # The judgement

    def _claim(self, text: str, is_true) -> None:
        try:
            answer = is_true()
        except Exception as error:
            answer = f"{error!r:.2000}"
        self.verdicts.append((answer is True, text if answer is True else f"{text}: {answer}"))

    def _stops(self) -> bool:
        self.place.stop()
        return True

    def _judge(self, start: list[Held], end: list[Held], load: Load) -> None:
        for pod, before, after in zip(self.place.pods, start, end):
            name = pod.directory.name
            for gauge in sorted({*before.gauges, *after.gauges}):
                was, now = before.gauges.get(gauge, 0), after.gauges.get(gauge, 0)
                self._claim(f"{name}: {gauge} is {was:g} again",
                            lambda: has_come_back(gauge, was, now) or f"now {now:g}")
            grown = after.resident - before.resident
            self._claim(f"{name}: memory is within {MEMORY_TOLERANCE // MIB} MiB of the start",
                        lambda: grown <= MEMORY_TOLERANCE or f"grown by {grown / MIB:.1f} MiB")
        if self.options.minutes >= SLOPE_MINUTES:
            for index, pod in enumerate(self.place.pods):
                slope = self._slope(index)
                self._claim(
                    f"{pod.directory.name}: memory grows by less than "
                    f"{SLOPE_TOLERANCE // MIB} MiB/h in the second half",
                    lambda: slope <= SLOPE_TOLERANCE or f"{slope / MIB:.1f} MiB/h")
        excused = [text for moment, text in load.failures if self._is_excused(moment)]
        failed = [text for moment, text in load.failures if not self._is_excused(moment)]
        self._claim("every honest client was served", lambda: not failed or "; ".join(failed[:5]))
        if excused:
            print(f"{len(excused)} honest clients failed while something behind was away")
        self._claim("every kind of client has come", lambda: (
            {client.__name__ for client in HONEST + OTHERS} <= {*load.counts} or str(load.counts)))

    def _is_excused(self, moment: float) -> bool:
        """A client waits for its order for half a minute and then says that it did not come."""
        return any(0 <= moment - disturbance < 60 for disturbance in self.disturbances)

    def _slope(self, index: int) -> float:
        """Bytes per hour, by least squares over the second half of the samples."""
        points = [(moment, held[index].resident) for moment, held in self.samples]
        points = points[len(points) // 2:]
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread

    def _report(self, start: list[Held], end: list[Held], load: Load) -> int:
        print("\nclients: " + ", ".join(f"{name} {count}" for name, count in
                                        sorted(load.counts.items())))
        print(f"\n{'process':<16}{'what':<36}{'start':>10}{'highest':>10}{'end':>10}")
        for index, (pod, before, after) in enumerate(zip(self.place.pods, start, end)):
            def row(what: str, value) -> None:
                highest = max([value(held[index]) for _, held in self.samples] or [0])
                print(f"{pod.directory.name:<16}{what:<36}{value(before):>10.0f}{highest:>10.0f}"
                      f"{value(after):>10.0f}")
            row("resident KiB", lambda held: held.resident / 1024)
            for gauge in ("process_open_fds", "process_threads", "contoso_connections",
                          "contoso_timers", "contoso_outbound_segments",
                          "signalr_server_active_connections"):
                row(gauge, lambda held: held.gauges.get(gauge, 0))
        failed = [text for is_true, text in self.verdicts if not is_true]
        for text in failed:
            print(f"FAILED {text}")
        print(f"{len(self.verdicts) - len(failed)} passed, {len(failed)} failed")
        if self.options.control:
            caught = [text for text in failed if "contoso_connections" in text]
            print("the control was caught" if caught else "the control was NOT caught")
            return 0 if caught else 1
        return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6))
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--control", choices=["leak"])
    # Asked to end, the run ends as by Ctrl-C: with what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return Soak(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
