"""Nothing lost, nothing twice: one run from an empty platform to a judgement.

    start ─▶ warm-up ─▶ faults ─▶ heal ─▶ quiet ─▶ dump ─▶ stop ─▶ judge ─▶ "N passed, N failed"

    run.py                                  the short form, on the cluster
    run.py --stage embedded                 one process with all roles
    run.py --orders 100000 --long           every fault, again and again
    run.py --seed 7 --faults F7,F12         a printed seed again, or some faults only
    run.py --crash-points                   every crash point once, instead of the faults
    run.py --control relay-off              must fail: shows that the judge can

What it writes is below .build/nothing-lost; `judge.py DIRECTORY` judges that again.
Exit status: 1 if an invariant is broken, a fault met nothing, or a process did not end cleanly.
"""

import argparse
import json
import random
import shutil
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "EndToEnd")]

import controls
import crashpoints
import judge
import ledger
from crowd import Crowd
from faultproxy import FaultProxy
from faults import CATALOGUE, CONTINUOUS, Locks, fire, recovery
from meddler import Meddler
from sampler import count, look, watch
from scene import Step
from stage import Cluster, Embedded, Stage
from support.server import OUTPUT

SHORT = ["F1", "F3", "F4", "F7", "F9", "F10", "F12", "F13", "F15", "F16"]
ALL_DAY = ["F20", "F22", "F23"]
WARM_UP = 5.0
WARM_UP_ORDERS = 100
QUIET_WITHIN = judge.QUIET_WITHIN
# Two looks that far apart must see the same.
STILL_FOR = 2.0


@dataclass
class Options:
    stage: str
    seed: int
    orders: int
    rate: float
    is_long: bool
    faults: list[str]
    control: str | None = None
    has_crash_points: bool = False
    rounds: int = 1
    users: int = 50
    posters: int = 8


@dataclass
class Tally:
    """What one kind of fault did."""
    fired: int = 0
    bit: int = 0
    worst: float = 0.0
    evidence: str = ""


@dataclass
class Outcome:
    judgement: judge.Judgement
    table: dict[str, Tally] = field(default_factory=dict)
    accidents: list[str] = field(default_factory=list)


def plan(stage: Stage, options: Options, rounds: int) -> list[Step]:
    """The schedule, from nothing but the seed: every fault once per round, in its own order."""
    source = random.Random(f"{options.seed} plan")
    steps = []
    for _ in range(rounds):
        names = [name for name in options.faults if name in CATALOGUE]
        source.shuffle(names)
        for name in names:
            targets = CATALOGUE[name].targets(stage)
            if targets:
                steps.append(Step(
                    name, source.choice(targets), round(source.uniform(*CATALOGUE[name].seconds), 2),
                    round(min(1 + source.expovariate(1), 5), 2), source.getrandbits(32)))
    return steps


class Run:
    def __init__(self, options: Options):
        self.options = options
        what = options.control or ("crash-points" if options.has_crash_points else "faults")
        name = f"{options.stage}-{what}-{options.seed}"
        self.directory = OUTPUT.parent / "nothing-lost" / name
        shutil.rmtree(self.directory, ignore_errors=True)
        self.proxy = FaultProxy(options.seed)
        self.stage: Stage = (Embedded(self.directory / "stage") if options.stage == "embedded"
                             else Cluster(self.directory / "stage", self.proxy))
        self.book = ledger.Ledger(self.directory)
        self.crowd = Crowd(self.book, options.seed)
        self.meddler: Meddler | None = None
        self.locks = Locks()
        self.table: dict[str, Tally] = {}
        self.accidents: list[str] = []
        self.points_reached = 0
        self.first_fault: float | None = None
        self.healed: float | None = None
        self.quiet: float | None = None

    def run(self) -> Outcome:
        try:
            self._start()
            self._warm_up()
            self._faults()
            self._heal()
            self._be_quiet()
            self._dump()
        finally:
            self._stop()
        history = ledger.read(self.directory)
        judgement = judge.judge(history)
        self.accidents += self.stage.accidents + self.crowd.accidents
        for name, tally in self.table.items():
            if not tally.bit:
                self.accidents.append(f"{name} met nothing in {tally.fired} tries")
        return Outcome(judgement, self.table, self.accidents)

    # Phases

    def _start(self) -> None:
        began = time.monotonic()
        if self.options.control:
            controls.prepare(self.options.control, self.stage)
        if self.options.has_crash_points:
            self.stage.start_engines()
            crashpoints.crash_in_migration(next(iter(self.stage.pods.values())))
            self.points_reached += 1
            self.stage.start_pods()
        else:
            self.stage.start()
        self._say(f"started in {time.monotonic() - began:.1f} s: {', '.join(self.stage.pods)}")
        aborts = 0.05 if "F20" in self.options.faults else 0.0
        self.crowd.people(self.stage.post_targets(), self.stage.hub_targets(),
                          users=self.options.users, poster_count=self.options.posters,
                          rate=self.options.rate, aborts=aborts)
        self.crowd.start()
        for pod in self.stage.pods.values():
            self.crowd.spawn(watch(pod, self.book))
            self.crowd.spawn(count(pod, self.book))
        self._until("half of the tabs are open",
                    lambda: self.crowd.absent() < len(self.crowd.tabs) / 2, 30)

    def _warm_up(self) -> None:
        self.crowd.start_posting()
        end = time.monotonic() + WARM_UP
        self._until("the warm-up is over", lambda: time.monotonic() > end and (
            self.crowd.acknowledged >= WARM_UP_ORDERS or self.options.control), 60)
        self._say(f"warm-up: {self.crowd.acknowledged} orders")
        self.first_fault = time.monotonic()

    def _faults(self) -> None:
        options = self.options
        self.meddler = Meddler(self.stage, self.crowd, options.seed, set(options.faults),
                               large=1 << 20)
        self.meddler.start()
        steps = plan(self.stage, options, 1000 if options.is_long else options.rounds)
        (self.directory / "faults.plan").write_text(
            "\n".join(json.dumps(asdict(step)) for step in steps) + "\n")
        if options.control:
            controls.fire(options.control, self.stage, self.crowd, options.seed)
        elif options.has_crash_points:
            self._crash_points()
        elif options.is_long:
            self._long(steps)
        else:
            for step in steps:
                self._fire(step)
        self._until("enough is ordered",
                    lambda: self.crowd.acknowledged >= options.orders, 24 * 3600)

    def _long(self, steps: list[Step]) -> None:
        """Two faults at a time; in the last third, the storm, four."""
        source, mutex = iter(steps), threading.Lock()
        is_enough = lambda: self.crowd.acknowledged >= self.options.orders

        def work(begins: float) -> None:
            while self.crowd.acknowledged < begins * self.options.orders and not is_enough():
                time.sleep(1)
            while not is_enough():
                with mutex:
                    step = next(source)
                self._fire(step)

        workers = [threading.Thread(target=work, args=(begins,), daemon=True)
                   for begins in (0, 0, 2 / 3, 2 / 3)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            for worker in workers:
                worker.join(10)
            self._say(f"{self.crowd.acknowledged} orders, {self.crowd.doubts} in doubt, "
                      f"{self.crowd.drops} connections lost, {self.crowd.untold()} to be told")

    def _fire(self, step: Step) -> None:
        try:
            scene = fire(step, self.stage, self.crowd, self.book, self.locks)
        except Exception as accident:
            self.accidents.append(f"{step.fault} on {step.target}: {accident!r}")
            self._say(f"{step.fault} on {step.target}: {accident!r}")
            return
        took = recovery(self.crowd, scene.ended)
        tally = self.table.setdefault(step.fault, Tally())
        tally.fired += 1
        tally.bit += scene.bite_count() > 0
        tally.worst = max(tally.worst, took)
        tally.evidence = scene.evidence
        self._say(f"{step.fault} on {step.target}, {scene.ended - scene.began:.1f} s: "
                  f"{scene.evidence or 'met nothing'}; recovered in {took:.2f} s")
        time.sleep(step.gap)

    def _crash_points(self) -> None:
        for point in crashpoints.POINTS:
            began = time.monotonic()
            try:
                crashpoints.crash_at(point, self.stage, self.crowd, self.book)
                self.points_reached += 1
                self._say(f"{point} reached in {time.monotonic() - began:.1f} s")
            except crashpoints.NotReached as failure:
                self.accidents.append(str(failure))

    def _heal(self) -> None:
        for link in self.stage.links.values():
            link.passes()
        self.healed = time.monotonic()
        self.meddler.finish()
        time.sleep(1)
        self.crowd.end_posting(within=30)
        self.crowd.gather()

    def _be_quiet(self) -> None:
        """Quiet since the first of two looks that saw the same: a look itself may take long."""
        deadline = time.monotonic() + (8 if self.options.control else QUIET_WITHIN)
        seen, since = None, 0.0
        while True:
            asked = time.monotonic()
            unrest, orders = self._unrest()
            if unrest and asked > deadline:
                break
            if unrest:
                seen = None
            elif seen == orders:
                self.quiet = since
                self._say(f"quiet {self.quiet - self.healed:.1f} s after the last fault")
                # The samples of a calm platform.
                time.sleep(2)
                return
            else:
                seen, since = orders, asked
                time.sleep(STILL_FOR - 0.5)
            time.sleep(0.5)
        self._say(f"not quiet: {unrest}")

    def _unrest(self) -> tuple[dict, int]:
        """What still moves, and how many orders there are."""
        try:
            unrest = {"incomplete orders and events": self.stage.incomplete(),
                      "tabs away": self.crowd.absent(), "not told": self.crowd.untold(),
                      **self.stage.depths()}
            return {name: count for name, count in unrest.items() if count}, \
                self.stage.order_count()
        except Exception as error:
            return {repr(error): 1}, 0

    def _dump(self) -> None:
        # The last look at those that live goes ahead of the orders: what it shows must be there.
        for pod in self.stage.pods.values():
            self.crowd.finish(look(pod, self.book))
        self.crowd.end()
        self.book.remains(
            **self.stage.dump(), poison=self.meddler.poisoned, repeats=self.meddler.begun_again,
            lives=[asdict(life) for pod in self.stage.pods.values() for life in pod.lives],
            clock=time.time() - time.monotonic(),
            first_fault=self.first_fault, healed=self.healed, quiet=self.quiet)

    def _stop(self) -> None:
        if not self.crowd.is_over:
            self.crowd.end()
        self.stage.stop()
        self.proxy.close()
        self.book.close()

    def _until(self, what: str, condition, within: float) -> None:
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {within} s in vain until {what}")
            time.sleep(0.1)

    def _say(self, text: str) -> None:
        # One write, because faults overlap.
        sys.stdout.write(f"  {time.strftime('%H:%M:%S')} {text}\n")
        sys.stdout.flush()


def show(run: Run, outcome: Outcome) -> tuple[int, int]:
    """Prints table and judgement; returns how many checks passed and failed."""
    crowd, judgement = run.crowd, outcome.judgement
    print(f"\n{crowd.posted} orders wanted, {crowd.acknowledged} acknowledged; {crowd.doubts} "
          f"requests in doubt, {crowd.aborts} abandoned; {crowd.drops} hub connections lost; "
          f"{crowd.failed_questions} questions failed, {crowd.empty_answers} answered with nothing")
    if run.meddler:
        print(f"{len(run.meddler.poisoned)} poison messages, {run.meddler.repeats} repeated "
              f"events, {run.meddler.pries} prying questions")
    if run.points_reached:
        print(f"{run.points_reached} crash points reached")
    print(f"\n  {'fault':5} {'':42} {'fired':>5} {'bit':>4} {'worst':>7}   last evidence")
    for name, tally in sorted(outcome.table.items(), key=lambda item: int(item[0][1:])):
        print(f"  {name:5} {CATALOGUE[name].what:42} {tally.fired:5} {tally.bit:4} "
              f"{tally.worst:6.2f}s   {tally.evidence}")
    print("\n" + judge.report(judgement))
    for accident in outcome.accidents:
        print(f"  accident: {accident}")
    failed = len(judgement.broken()) + bool(outcome.accidents)
    judged = len(judge.INVARIANTS) - len(judgement.skipped) + 1
    return judged - failed, failed


def parse() -> Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", choices=["cluster", "embedded"], default="cluster")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--orders", type=int, default=None)
    parser.add_argument("--rate", type=float, default=None, help="orders per second")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--faults", help="names between commas")
    parser.add_argument("--rounds", type=int, default=1, help="each fault so many times")
    parser.add_argument("--crash-points", action="store_true")
    parser.add_argument("--control", choices=sorted(controls.CONTROLS))
    given = parser.parse_args()
    everything = [*CATALOGUE, *CONTINUOUS]
    if given.faults:
        faults = given.faults.split(",")
    elif given.control:
        # Alone: nothing else may break what the control is about.
        faults = ["F23"] if given.control == "no-owner-check" else []
    else:
        faults = everything if given.long else [*SHORT, *ALL_DAY]
    unknown = [name for name in faults if name not in everything]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}")
    return Options(
        stage=given.stage, is_long=given.long, faults=faults, control=given.control,
        has_crash_points=given.crash_points, rounds=given.rounds,
        seed=given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 30),
        orders=given.orders or (100_000 if given.long else 20 if given.control else 300),
        rate=given.rate or (150 if given.long else 15), posters=32 if given.long else 8)


def main() -> int:
    options = parse()
    print(f"seed {options.seed}, {options.stage}"
          + (f", control {options.control}" if options.control else ""))
    run = Run(options)
    outcome = run.run()
    passed, failed = show(run, outcome)
    print(f"\nseed {options.seed}; ledgers in {run.directory}")
    if options.control:
        passed, failed = controls.verdict(options.control, outcome.judgement)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
