"""Decides over one run: reads ledgers, names what they contradict. It asks the system nothing.

    History ──▶ judge ──▶ violations (invariant, words) + what could not be judged + measures

    I1  what was acknowledged is kept        I8   what is told is true
    I2  it is there once                     I9   nobody else is told
    I3  one key has one order                I10  queues, outbox and dead letters hold what they must
    I4  it is what was promised              I11  after the last fault, all is done and told in time
    I5  it is completed                      I12  answers stay honest and in time during faults
    I6  nothing is invented                  I13  nothing grows
    I7  its owner is told, on every tab      I14  the system's own counters add up

Pure: the same history gives the same judgement. `judge.py DIRECTORY` judges a run again.
"""

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import counts
import ledger
from ledger import COMPLETED, Fault, History, Note, Try
from times import (AFTERMATH, ANSWER_SLACK, ANSWER_WITHIN, CLOCK_SLACK, EXCUSE,
                   QUIET_WITHIN)

INVARIANTS = {
    1: "accepted is kept", 2: "exactly once", 3: "same key, same order",
    4: "what was promised", 5: "completed", 6: "nothing invented",
    7: "told at least once, on every tab", 8: "no false news", 9: "right ears only",
    10: "drained", 11: "told in time", 12: "answers stay honest", 13: "no growth",
    14: "counters add up"}

# A process may end with a fifth more than it began with, and so much on top in any case.
GROWTH = 1.2
SPARE_KILOBYTES = 48 * 1024
SPARE_DESCRIPTORS = 16
SPARE_THREADS = 2


@dataclass(frozen=True)
class Violation:
    invariant: int
    text: str

    def __str__(self) -> str:
        return f"I{self.invariant} {self.text}"


@dataclass
class Judgement:
    violations: list[Violation] = field(default_factory=list)
    # Invariant → why it was not judged.
    skipped: dict[int, str] = field(default_factory=dict)
    # What was measured and is no condition.
    measures: dict[str, str] = field(default_factory=dict)

    def broken(self) -> set[int]:
        return {violation.invariant for violation in self.violations}


def judge(history: History) -> Judgement:
    judgement = Judgement()
    rules = [_orders, _attempts, _promises, _tellings, _notes, _work, _recovery, _answers,
             _liveness, _growth, _counters]
    for rule in rules:
        for number, text in rule(history, judgement):
            judgement.violations.append(Violation(number, text))
    judgement.violations.sort(key=lambda violation: violation.invariant)
    return judgement


# Orders


def _orders(history: History, _):
    """I2, I5, I6 seen from the rows."""
    attempts = {ledger.fingerprint(one.user, one.lines): one for one in history.attempts}
    correlations, ids, made = Counter(), Counter(), Counter()
    for order in history.remains.orders:
        correlations[order["correlation"]] += 1
        ids[order["id"]] += 1
        attempt = attempts.get(ledger.fingerprint(order["user"], order["lines"]))
        if attempt is None:
            yield 6, f"nobody posted order {order['id']} of {order['user']}: {order['lines']}"
        else:
            made[attempt.key] += 1
            if not attempt.may_exist:
                yield 6, f"order {order['id']} exists and attempt {attempt.key} was refused"
        if order["status"] != COMPLETED:
            yield 5, (f"order {order['id']} of {order['user']} is "
                      f"{ledger.STATUSES[order['status']]}")
    for what, counter in (("correlation id", correlations), ("id", ids)):
        for value, count in counter.items():
            if count > 1:
                yield 2, f"{what} {value} stands {count} times"
    for key, count in made.items():
        if count > 1:
            yield 2, f"attempt {key} made {count} orders"


def _attempts(history: History, _):
    """I1, I3, I4 seen from the clients."""
    # The first of a correlation id that stands twice: I2 has its say about the other.
    by_correlation = {order["correlation"]: order for order in reversed(history.remains.orders)}
    for attempt in history.attempts:
        promised = {(one.order_id, one.correlation) for one in attempt.acknowledgements}
        if len(promised) > 1:
            yield 3, f"attempt {attempt.key} was answered with {sorted(promised)}"
        for order_id, correlation in promised:
            order = by_correlation.get(correlation)
            if order is None:
                yield 1, f"order {order_id} ({correlation}) was acknowledged and is gone"
            elif len(promised) > 1:
                continue  # I3 has said it; one of them cannot be what was posted.
            elif (order["id"], order["user"]) != (order_id, attempt.user):
                yield 4, (f"order {order_id} was promised to {attempt.user}, kept is "
                          f"{order['id']} of {order['user']}")
            elif order["lines"] != attempt.lines:
                yield 4, f"order {order_id} has {order['lines']}, posted was {attempt.lines}"


def _promises(history: History, _):
    """I2 seen from the idempotency keys."""
    orders = defaultdict(set)
    for key in history.remains.keys:
        orders[key["user"], key["key"]].add(key["order"])
    for (user, key), made in orders.items():
        if len(made) > 1:
            yield 2, f"key {key} of {user} names the orders {sorted(made)}"


# Notes


def _tellings(history: History, judgement: Judgement):
    """I7: by some connection of the owner, and by each that was open all the time."""
    heard_by_user, heard_by_connection = set(), set()
    for note in history.notes:
        if note.status == COMPLETED:
            user = history.connections[note.connection].user
            heard_by_user.add((user, note.correlation))
            heard_by_connection.add((note.connection, note.correlation))
    present = defaultdict(list)
    for connection in history.connections.values():
        if connection.closed is None:
            present[connection.user].append(connection)
    listened = told = 0
    for attempt in history.attempts:
        tabs = present.get(attempt.user)
        if not tabs or not attempt.acknowledgements:
            continue
        listened += 1
        correlation = attempt.acknowledgements[0].correlation
        if (attempt.user, correlation) not in heard_by_user:
            yield 7, f"{attempt.user} was never told of {correlation}"
            continue
        told += 1
        for tab in tabs:
            if tab.opened < attempt.at and (tab.number, correlation) not in heard_by_connection:
                yield 7, (f"connection {tab.number} of {attempt.user} on {tab.node} was open all "
                          f"the time and never heard of {correlation}")
    judgement.measures["told"] = f"{told} of {listened} acknowledged orders of listeners"


def _notes(history: History, _):
    """I8, I9."""
    by_correlation = {order["correlation"]: order for order in history.remains.orders}
    for note in history.notes:
        listener = history.connections[note.connection].user
        order = by_correlation.get(note.correlation)
        if order is None:
            yield 8, f"{listener} heard of {note.correlation}, which does not exist"
            continue
        if order["user"] != listener:
            yield 9, f"{listener} heard of order {order['id']} of {order['user']}"
        if note.status == COMPLETED:
            yield from _completion(note, order, listener)


def _completion(note: Note, order: dict, listener: str):
    if note.order_id != order["id"]:
        yield 8, f"{listener} heard number {note.order_id} for order {order['id']}"
    if order["status"] != COMPLETED:
        yield 8, f"{listener} heard of the end of order {order['id']}, which has none"
    elif order["completed"] is not None and note.wall < order["completed"] - CLOCK_SLACK:
        yield 8, (f"{listener} heard of the end of order {order['id']} "
                  f"{order['completed'] - note.wall:.3f} s before it")


# What is left


def _work(history: History, _):
    """I10."""
    remains = history.remains
    if remains.outbox:
        yield 10, f"{remains.outbox} events stay in the outbox"
    for queue, count in remains.queues.items():
        if count:
            yield 10, f"{count} messages stay in {queue}"
    # Sets: a consumer that is killed between the burial and the ack buries again.
    for letter in sorted(set(remains.dead) - set(remains.poison)):
        yield 10, f"a dead letter was never poison: {letter}"
    for letter in sorted(set(remains.poison) - set(remains.dead)):
        yield 10, f"a poison message is no dead letter: {letter}"


# Times


def _recovery(history: History, judgement: Judgement):
    """I11, of which only the recovery is a condition."""
    remains = history.remains
    calm = sorted(_calm_latencies(history))
    if calm:
        judgement.measures["201 to note, calm"] = (
            f"p50 {1000 * calm[len(calm) // 2]:.0f} ms, "
            f"p99 {1000 * calm[len(calm) * 99 // 100]:.0f} ms of {len(calm)}")
    if remains.healed is None:
        judgement.skipped[11] = "no fault was fired"
    elif remains.quiet is None:
        yield 11, f"not quiet within {QUIET_WITHIN:.0f} s after the last fault"
    else:
        took = remains.quiet - remains.healed
        judgement.measures["recovery"] = f"{took:.1f} s after the last fault"
        if took > QUIET_WITHIN:
            yield 11, f"quiet only {took:.0f} s after the last fault"


def _calm_latencies(history: History):
    """Seconds from the answer to the first push, of orders before the first fault."""
    first = {}
    for note in history.notes:
        if note.status == COMPLETED and note.how == "push":
            first.setdefault(note.correlation, note.at)
    end = history.remains.first_fault
    for attempt in history.attempts:
        for one in attempt.acknowledgements[:1]:
            if one.correlation in first and (end is None or first[one.correlation] < end):
                yield max(0.0, first[one.correlation] - one.ended)


def _hit(faults: list[Fault], process: str, began: float, ended: float,
         aftermath: float = AFTERMATH) -> bool:
    """Whether the process itself was frozen or down in that time."""
    return any(fault.began - aftermath < ended and began < fault.ended + aftermath
               for fault in faults if any(hit.startswith(process) for hit in fault.hits))


def _is_excused(faults: list[Fault], process: str, one: Try) -> bool:
    """Whether the intake had a reason to be away: it depends on the database and nothing else."""
    if _hit(faults, process, one.began, one.ended, EXCUSE):
        return True
    return any(fault.began - AFTERMATH < one.ended and one.began < fault.ended + EXCUSE
               for fault in faults if fault.target == "everything" or "pg" in fault.target)


def _answers(history: History, judgement: Judgement):
    """I12: each POST. Through the ingress any accept process may have been the one that was hit."""
    statuses, slowest = Counter(), 0.0
    for attempt in history.attempts:
        for one in attempt.tries:
            statuses[one.status if one.status is not None else one.why] += 1
            if one.why == "aborted":
                continue
            process = "accept" if one.via == "ingress" else one.via
            took = one.ended - one.began
            is_hit = (_hit(history.faults, process, one.began, one.ended)
                      or one.via == "ingress"
                      and _hit(history.faults, "ingress", one.began, one.ended))
            # The ingress speaks for a pod that it does not reach.
            if one.via == "ingress" and one.status in (502, 504):
                if not is_hit:
                    yield 12, f"{attempt.key}: {one.status} and no accept process was hit"
            elif one.status is None:
                if not is_hit:
                    yield 12, f"{attempt.key}: no answer of {one.via} ({one.why}), {took:.1f} s"
            elif one.status not in (200, 201, 503):
                yield 12, f"{attempt.key}: answered {one.status} by {one.via}"
            elif one.status == 503 and not _is_excused(history.faults, process, one):
                yield 12, f"{attempt.key}: 503 by {one.via}, and the database was whole"
            elif not is_hit:
                slowest = max(slowest, took)
                if took > ANSWER_WITHIN + ANSWER_SLACK:
                    yield 12, f"{attempt.key}: {one.status} by {one.via} only after {took:.1f} s"
    judgement.measures["answers"] = ", ".join(
        f"{count} × {status}" for status, count in sorted(statuses.items(), key=str))
    _measure_outages(history, judgement)
    judgement.measures["slowest answer"] = f"{1000 * slowest:.0f} ms"


def _measure_outages(history: History, judgement: Judgement) -> None:
    """How long a 201 takes while the broker or Redis is away, asked of the process itself."""
    outages = [fault for fault in history.faults if fault.target in ("amqp", "redis")]
    took = sorted(
        one.ended - one.began for attempt in history.attempts for one in attempt.acknowledgements
        if one.via != "ingress" and any(fault.began < one.began < fault.ended
                                        for fault in outages))
    if took:
        judgement.measures["201 while broker or Redis is away"] = (
            f"p50 {1000 * took[len(took) // 2]:.0f} ms, "
            f"p99 {1000 * took[len(took) * 99 // 100]:.0f} ms of {len(took)}")


def _liveness(history: History, _):
    """I12: a process that nobody froze or killed lives, whatever its dependencies do."""
    for sample in history.samples:
        if sample.live != 200 and not _hit(history.faults, sample.process, sample.at - 1, sample.at):
            yield 12, f"{sample.process} answered its liveness probe with {sample.live}"


def _growth(history: History, judgement: Judgement):
    """I13: each role against itself before the first fault. All its processes together, because
    connections move from one to another when one is killed."""
    first, healed = history.remains.first_fault, history.remains.quiet
    if first is None or healed is None:
        judgement.skipped[13] = "there is no calm before and after the faults to compare"
        return
    before, after = defaultdict(list), defaultdict(list)
    for sample in history.samples:
        if sample.at < first:
            before[sample.process].append(sample)
        elif sample.at > healed:
            after[sample.process].append(sample)
    roles = defaultdict(list)
    for process in before.keys() & after.keys():
        roles[process.rstrip("0123456789-")].append(process)
    for role, processes in roles.items():
        for what, spare in (("rss", SPARE_KILOBYTES), ("descriptors", SPARE_DESCRIPTORS),
                            ("threads", SPARE_THREADS)):
            was = sum(max(getattr(sample, what) for sample in before[process][-4:])
                      for process in processes)
            now = sum(min(getattr(sample, what) for sample in after[process][-4:])
                      for process in processes)
            if now > was * GROWTH + spare * len(processes):
                yield 13, f"{role}: {what} grew from {was} to {now}"
    if not roles:
        judgement.skipped[13] = "no process was sampled before and after the faults"


def _counters(history: History, judgement: Judgement):
    """I14."""
    lives = counts.lives(history)
    if not lives:
        judgement.skipped[14] = "no process was noted"
        return
    for text in counts.gaps(lives):
        yield 14, text
    for claim in counts.claims(history, lives):
        if claim.life is None:
            judgement.measures[f"counted, {claim.what}"] = str(claim)
        if not claim.holds:
            yield 14, f"{claim.what}, counted by {claim.life or 'all'}: {claim}"


# Output


def report(judgement: Judgement, shown: int = 50) -> str:
    """The violations, a line per invariant, the measures."""
    lines = [str(violation) for violation in judgement.violations[:shown]]
    if len(judgement.violations) > shown:
        lines.append(f"… and {len(judgement.violations) - shown} more")
    counts = Counter(violation.invariant for violation in judgement.violations)
    for number, name in INVARIANTS.items():
        if number in judgement.skipped:
            verdict = f"not judged: {judgement.skipped[number]}"
        else:
            verdict = f"{counts[number]} violations" if counts[number] else "holds"
        lines.append(f"  I{number:<3} {name:34} {verdict}")
    lines += [f"  {name}: {value}" for name, value in judgement.measures.items()]
    return "\n".join(lines)


def main() -> int:
    judgement = judge(ledger.read(Path(sys.argv[1])))
    print(report(judgement))
    return 1 if judgement.violations else 0


if __name__ == "__main__":
    sys.exit(main())
