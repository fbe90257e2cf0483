"""Every crash point of the platform reached once: the process ends there, and is started again.

    stop ─▶ start with CRASH_AT=point:n ─▶ orders until it ends with 137 ─▶ start ─▶ next point

Random kills hit the windows between a commit and an ack rarely; these hit each of them. A point that
nobody reaches proves nothing and is an accident. Source: Runtime/CrashPoint.swift.
"""

import signal
import time

from crowd import Crowd
from ledger import Ledger
from stage import Pod, Stage

# In the order in which an order passes them; the role that does.
POINTS = {
    "accept.beforeCommit": "accept", "accept.afterCommit": "accept",
    "accept.beforeReply": "accept", "relay.beforePublish": "accept",
    "relay.afterPublish": "accept", "relay.afterConfirm": "accept",
    "process.afterReceive": "process", "process.afterCommit": "process",
    "process.afterAck": "process", "notify.afterReceive": "notification",
    "notify.afterResolve": "notification", "notify.afterBackplane": "notification",
    "notify.afterAck": "notification", "drain.middle": "notification"}
# Before anything else runs; see `crash_in_migration`.
FIRST = "migrate.middle"

CRASHED = 137
# The second time rather than the first: then something has gone well before.
VISIT = 2
REACHED_WITHIN = 30.0
BURST = 6


class NotReached(Exception):
    pass


def crash_in_migration(pod: Pod) -> None:
    """On an empty database: the first process dies with its migration half done."""
    pod.spawn(CRASH_AT=FIRST)
    _ended_at(pod, FIRST)


def crash_at(point: str, stage: Stage, crowd: Crowd, book: Ledger) -> None:
    """Arms a process of the point's role, orders until it dies, and starts it again."""
    pod = stage.of_role(POINTS[point])[0]
    began = time.monotonic()
    pod.stop()
    visit = 1 if point == "drain.middle" else VISIT
    # It may be reached before the process is ready: work waits in the queues.
    pod.spawn(CRASH_AT=f"{point}:{visit}")
    if point == "drain.middle":
        pod.await_ready()
        crowd.burst(BURST)
        pod.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + REACHED_WITHIN
    while pod.process.poll() is None and time.monotonic() < deadline:
        crowd.burst(BURST)
        time.sleep(0.3)
    try:
        _ended_at(pod, point)
    finally:
        if pod.process is not None:
            pod.kill()
        pod.start_patiently()
        book.write("faults", fault=point, target=pod.name, began=began, ended=time.monotonic(),
                   bites=1, hits=[pod.name], evidence="reached")


def _ended_at(pod: Pod, point: str) -> None:
    try:
        code = pod.wait(within=REACHED_WITHIN)
    except AssertionError as failure:
        raise NotReached(f"{point} was not reached: {failure}") from None
    if code != CRASHED or f"crash point {point} reached" not in pod.log():
        raise NotReached(f"{pod.name} ended with {code} and not at {point}:\n{pod.log()[-2000:]}")
