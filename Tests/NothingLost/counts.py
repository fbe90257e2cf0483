"""I14: what the platform has counted against what there is.

    birth ─── look ─── look ─── last look ┈┈┈ blind ┈┈┈ end      a life: one start of one process
      0        ≤        ≤           n      what is counted here nobody will see

    claim                     each is one
    accepted                  order that is there
    accepted or repeated      POST answered with 201
    processed                 order that is completed
    processed or duplicate    the same, and each event that was put in once more   (at least)
    dead letters              dead letter that is there                            (at most)

What a last look shows must lie between two numbers: of the things that it must have seen, and of
those that it can have seen. So must the sum of all last looks, of which a thing is sure as soon as
every life that can have counted it would have shown it. Both numbers come from what the clients and
the database know. They are one where no life ended, no commit was in doubt and every POST was
answered.

What is counted when: accepted and repeated after the commit and before the answer; processed and
duplicates after the commit and before the ack; a dead letter after its burial. So no sum is ever
too high. A commit whose answer was lost is counted by nobody though its order is there: such an
order can be seen and need not be. Its event comes again, and is a duplicate then.
Source: Services/Orders/AcceptOrder.swift, ProcessOrder.swift, QueueWorker.swift.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import ledger
from ledger import COMPLETED, Attempt, Fault, History, Look, Try
from times import (AFTERMATH, ANSWER_SLACK, ANSWER_WITHIN, CLOCK_SLACK, COMMIT_WITHIN,
                   COUNT_SLACK, EXCUSE)

NEVER = math.inf
COUNTERS = ["accepted", "repeated", "processed", "duplicates", "dead"]


@dataclass(eq=False)
class Sight:
    """A life and how much of it was seen."""
    process: str
    roles: list[str]
    began: float
    # NEVER: it runs.
    ended: float
    # The first is its birth, when there is nothing to count.
    looks: list[Look]

    @property
    def last(self) -> Look:
        return self.looks[-1]

    def lived(self, since: float, until: float) -> bool:
        return self.began <= until and since <= self.ended

    def __str__(self) -> str:
        return f"{self.process}, start {self.last.life}"


@dataclass
class Chance:
    """That some life has counted a thing: if it has, then not before one moment, and it must have
    by another."""
    life: Sight
    since: float
    by: float


# Who may have counted one thing; nobody: nothing is known of it.
Thing = list[Chance]


@dataclass
class Claim:
    what: str
    # None: the sum of all.
    life: Sight | None
    seen: int
    least: int
    # None: nothing can be said.
    most: int | None

    @property
    def holds(self) -> bool:
        return self.least <= self.seen and (self.most is None or self.seen <= self.most)

    def __str__(self) -> str:
        most = "any number" if self.most is None else self.most
        return f"{self.seen}, it can be {self.least} to {most}"


def lives(history: History) -> list[Sight]:
    made = {}
    for life in history.remains.lives:
        birth = Look(life.process, life.number, life.began, life.began)
        made[life.process, life.number] = Sight(
            life.process, life.roles.split(","), life.began,
            NEVER if life.ended is None else life.ended, [birth])
    for look in history.looks:
        made[look.process, look.life].looks.append(look)
    return list(made.values())


def gaps(lives: list[Sight]):
    """What makes looks worthless."""
    for life in lives:
        if life.ended == NEVER and len(life.looks) == 1:
            yield f"{life} runs and never showed its counters"
        for name in COUNTERS:
            values = [getattr(look, name) for look in life.looks]
            if values != sorted(values):
                yield f"{life}: {name} fell: {values}"


def claims(history: History, lives: list[Sight]):
    ends = list(_ends(history, lives))
    yield from _bounded("accepted", lives, _orders(history, lives), "accepted")
    yield from _bounded("accepted or repeated", lives, _answers(history, lives),
                        "accepted", "repeated")
    yield from _bounded("processed", lives, ends, "processed")
    yield Claim("processed or duplicate", None, _sum(lives, "processed", "duplicates"),
                _worked_on(history, lives, ends), None)
    # Each burial is counted once at most, after it; the letter stays whatever happens.
    yield Claim("dead letters", None, _sum(lives, "dead"), 0, len(history.remains.dead))


def _sum(lives: Iterable[Sight], *names: str) -> int:
    return sum(getattr(life.last, name) for life in lives for name in names)


def _bounded(what: str, lives: list[Sight], things: Iterable[Thing], *names: str):
    """For all lives together, and for each."""
    least, most, unknown = Counter(), Counter(), 0
    for thing in things:
        if not thing:
            unknown += 1
            continue
        could = {one.life for one in thing if one.since <= one.life.last.answered}
        most.update([*could, None] if could else [])
        if _is_seen(thing):
            least.update([*could, None] if len(could) == 1 else [None])
    yield Claim(what, None, _sum(lives, *names), least[None], most[None] + unknown)
    for life in lives:
        yield Claim(what, life, _sum([life], *names), least[life], most[life] + unknown)


def _is_seen(thing: Thing) -> bool:
    """Whoever has counted it would have shown it."""
    return bool(thing) and all(one.by <= one.life.last.asked for one in thing)


def _is_in_doubt(faults: list[Fault], life: Sight, since: float, until: float) -> bool:
    """Whether a commit of that life may have lost its answer: its database was away, or it was
    frozen over its deadline."""
    for fault in faults:
        if fault.target in ("everything", "pg", f"{life.process}.pg"):
            after = EXCUSE
        elif (life.process in fault.hits and life.began < fault.began
              and fault.ended < life.ended):
            # It was hit and has outlived it: it was frozen.
            after = AFTERMATH
        else:
            continue
        if fault.began - AFTERMATH < until and since < fault.ended + after:
            return True
    return False


# Intake


def _orders(history: History, lives: list[Sight]):
    """Each order: the POSTs that can have made it."""
    attempts = {ledger.fingerprint(one.user, one.lines): one for one in history.attempts}
    for order in history.remains.orders:
        # A second order of one attempt finds none; I2 has its say about that.
        attempt = attempts.pop(ledger.fingerprint(order["user"], order["lines"]), None)
        yield [chance for one in _makers(attempt) for chance in _takers(history, lives, one)]


def _makers(attempt: Attempt | None) -> list[Try]:
    """None that began when the order had been acknowledged."""
    if attempt is None:
        return []
    made = min((one.ended for one in attempt.acknowledgements), default=NEVER)
    return [one for one in attempt.tries
            if one.began < made and (one.acknowledges or one.is_in_doubt)]


def _answers(history: History, lives: list[Sight]):
    """Each POST that was answered with 201, or may have been without its client's knowledge."""
    for attempt in history.attempts:
        for one in attempt.tries:
            takers = _takers(history, lives, one)
            # Nobody was there whom it could reach.
            if takers and (one.acknowledges or one.is_in_doubt):
                yield takers if one.acknowledges else [
                    Chance(chance.life, chance.since, NEVER) for chance in takers]


def _takers(history: History, lives: list[Sight], one: Try) -> Thing:
    """The lives that a POST can have reached; through the ingress, any that accepts."""
    return [Chance(life, one.began, _counted_by(history.faults, life, one)) for life in lives
            if "accept" in life.roles and one.via in (life.process, "ingress")
            and life.lived(one.began, one.ended)]


def _counted_by(faults: list[Fault], life: Sight, one: Try) -> float:
    if one.acknowledges:
        return one.ended
    # Its client has gone, and nothing else was wrong: it was answered like any other.
    answered = one.began + ANSWER_WITHIN + ANSWER_SLACK
    if one.why == "aborted" and not _is_in_doubt(faults, life, one.began, answered):
        return answered
    return NEVER


# Processing


def _ends(history: History, lives: list[Sight]):
    """Each completed order: the lives in which its end can have been committed."""
    told: dict[str, float] = {}
    for note in history.notes:
        if note.status == COMPLETED:
            told[note.correlation] = min(note.at, told.get(note.correlation, NEVER))
    for order in history.remains.orders:
        if order["status"] != COMPLETED:
            continue
        at = _end(history, order)
        # Who is told knows of a commit, and the count follows it.
        by = min(told.get(order["correlation"], NEVER) + COUNT_SLACK, at + COMMIT_WITHIN)
        yield [Chance(life, at - CLOCK_SLACK,
                      NEVER if _is_in_doubt(history.faults, life, at, by) else by)
               for life in lives
               if "process" in life.roles and life.lived(at - CLOCK_SLACK, at + CLOCK_SLACK)]


def _end(history: History, order: dict) -> float:
    """The moment that the order got as its end; its process takes it just before the commit."""
    return (order["completed"] or 0) - history.remains.clock


def _worked_on(history: History, lives: list[Sight], ends: list[Thing]) -> int:
    """Events that a last look must have seen, be it as a duplicate. No message leaves its queue
    before it is counted; so once all have left, those that came after the last end of a life were
    counted where they are seen."""
    remains = history.remains
    workers = [life for life in lives if "process" in life.roles]
    living = [life for life in workers if life.ended == NEVER]
    if remains.quiet is None or any(life.last.asked < remains.quiet for life in living):
        return 0
    last_end = max((life.ended for life in workers if life.ended != NEVER), default=-math.inf)
    completed = [order for order in remains.orders if order["status"] == COMPLETED]
    return (sum(_end(history, order) > last_end + CLOCK_SLACK or _is_seen(thing)
                for order, thing in zip(completed, ends))
            + sum(at > last_end for at in remains.repeats))
