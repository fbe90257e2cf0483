"""Negative controls: a platform that is broken on purpose, and the invariant that must say so.

    SABOTAGE=name   a switch of debug builds (Runtime/Sabotage.swift), off in every release
    or SQL          what the harness itself can take away

A control that stays green is a hole in the harness.
"""

import time
from dataclasses import dataclass

from crowd import Crowd
from faults import CATALOGUE
from judge import INVARIANTS, Judgement
from scene import Scene, Step
from stage import Cluster, Stage


@dataclass(frozen=True)
class Control:
    what: str
    # It must be broken.
    invariant: int
    # Where the switch is thrown, and which; none: it is not done by a switch.
    roles: tuple[str, ...] = ()
    sabotage: str | None = None


CONTROLS = {
    "relay-off": Control("the relay publishes nothing", 5, ("accept", "process"), "relay-off"),
    "ack-first": Control("a message is acked before its commit", 5, ("process",), "ack-first"),
    "no-unique-index": Control("nothing keeps a key from two orders", 2),
    "no-fallback": Control("a status that is not cached is unknown", 7, ("notification",),
                           "no-fallback"),
    "no-owner-check": Control("anybody may ask about any order", 9, ("notification",),
                              "no-owner-check"),
}


def prepare(name: str, stage: Stage) -> None:
    """Before the start: every process that could keep the promise is told not to."""
    control = CONTROLS[name]
    for role in control.roles:
        for pod in stage.of_role(role):
            pod.environment["SABOTAGE"] = control.sabotage


def fire(name: str, stage: Stage, crowd: Crowd, seed: int) -> None:
    """What must happen for the missing promise to be missed."""
    {"relay-off": _wait, "ack-first": _die_between, "no-unique-index": _race,
     "no-fallback": _forget, "no-owner-check": _wait}[name](stage, crowd, seed)


def _wait(stage: Stage, crowd: Crowd, seed: int) -> None:
    time.sleep(5)


def _die_between(stage: Stage, crowd: Crowd, seed: int) -> None:
    """A processor dies after it has received and acked, and before it commits."""
    for pod in stage.of_role("process")[1:]:
        pod.stop()
    pod = stage.of_role("process")[0]
    pod.stop()
    pod.start(CRASH_AT="process.afterReceive")
    crowd.burst(20)
    pod.wait(within=20)
    for pod in stage.of_role("process"):
        pod.start_patiently()


def _race(stage: Stage, crowd: Crowd, seed: int) -> None:
    """One key on two processes in the same moment, many times."""
    stage.drop_unique_indexes()
    for poster in crowd.posters:
        poster.double_clicks = 1.0
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        crowd.burst(40)
        time.sleep(1)


def _forget(stage: Stage, crowd: Crowd, seed: int) -> None:
    """Orders end while nobody listens and the cache forgets: only the database knows."""
    if isinstance(stage, Cluster):
        notifiers = stage.of_role("notification")
        for pod in notifiers:
            pod.kill()
        crowd.burst(20)
        time.sleep(1)
        CATALOGUE["F12"].fire(Scene(stage, crowd, Step("F12", "redis", 0.5, 0, seed)))
        for pod in notifiers:
            pod.start_patiently()
    else:
        crowd.burst(20)
        time.sleep(0.05)
        for pod in stage.pods.values():
            pod.kill()
            pod.start_patiently()
    time.sleep(3)


def verdict(name: str, judgement: Judgement) -> tuple[int, int]:
    wanted = CONTROLS[name].invariant
    if wanted in judgement.broken():
        print(f"control {name}: I{wanted} ({INVARIANTS[wanted]}) was broken, as it must be")
        return 1, 0
    print(f"control {name}: I{wanted} ({INVARIANTS[wanted]}) held, and must not")
    return 0, 1
