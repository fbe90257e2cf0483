"""The judge is itself judged: each broken history raises exactly its invariant."""

import copy
import tempfile
import unittest
from pathlib import Path

import ledger
from judge import judge, report
from ledger import (ACCEPTED, COMPLETED, PROCESSING, Attempt, Connection, Fault, History, Note,
                    Remains, Sample, Try)


def order(number: int, user: str) -> dict:
    return {"id": number, "correlation": f"c{number}", "user": user, "status": COMPLETED,
            "lines": [("AZ-900", number)], "completed": 1000.0 + number}


def attempt(number: int, user: str, *tries: Try, repeats: bool = False) -> Attempt:
    return Attempt(f"key-{number}", user, [("AZ-900", number)], repeats, float(number),
                   list(tries))


def acknowledged(number: int, via: str = "accept-1", began: float | None = None) -> Try:
    began = float(number) if began is None else began
    return Try(via, began, began + 0.01, 201, number, f"c{number}")


def heard(connection: int, number: int, **changes) -> Note:
    note = Note(connection, f"c{number}", number, COMPLETED, number + 0.1, 1000.0 + number)
    for name, value in changes.items():
        setattr(note, name, value)
    return note


def sample(at: float, **changes) -> Sample:
    taken = Sample(at, "accept-1", 50_000, 40, 9, 200, 200)
    for name, value in changes.items():
        setattr(taken, name, value)
    return taken


def good_history() -> History:
    """ann listens in two tabs, bob in none. Of bob's, one is in doubt and exists, one does not.

    accept-2 was killed from 20 to 22.
    """
    in_doubt = Try("accept-2", 20.0, 20.1, None, why="reset")
    return History(
        attempts=[
            attempt(5, "ann", acknowledged(5)),
            attempt(6, "bob", acknowledged(6)),
            attempt(7, "bob", copy.copy(in_doubt)),
            attempt(8, "bob", copy.copy(in_doubt)),
            attempt(9, "ann", copy.copy(in_doubt), acknowledged(9, began=21.0), repeats=True)],
        connections={1: Connection(1, "ann", "notification-1", 1.0),
                     2: Connection(2, "ann", "notification-2", 1.0),
                     3: Connection(3, "bob", "notification-1", 1.0, closed=2.0)},
        notes=[heard(1, 5), heard(2, 5), heard(1, 9), heard(2, 9),
               heard(1, 9, status=PROCESSING, how="answer", order_id=None)],
        faults=[Fault("F1", "accept-2", 20.0, 22.0, 3, ["accept-2"])],
        samples=[sample(4.0), sample(40.0)],
        remains=Remains(
            orders=[order(5, "ann"), order(6, "bob"), order(7, "bob"), order(9, "ann")],
            keys=[{"user": "ann", "key": "key-9", "order": 9}],
            queues={"order.accepted": 0}, dead=["p1"], poison=["p1"],
            first_fault=20.0, healed=22.0, quiet=30.0))


def spoil_orders(**changes):
    """The history with changed values in ann's first order."""
    return lambda history: history.remains.orders[0].update(changes)


def add_order(**changes):
    return lambda history: history.remains.orders.append({**order(6, "bob"), **changes})


def add_try(place: int, one: Try):
    return lambda history: history.attempts[place].tries.append(one)


def set_remains(**changes):
    return lambda history: [setattr(history.remains, *item) for item in changes.items()]


BROKEN = {
    "an acknowledged order is gone": ({1}, lambda history: history.remains.orders.pop(1)),
    "a repeated attempt was acknowledged and is gone":
        ({1, 8}, lambda history: history.remains.orders.pop(3)),
    "one attempt made two orders": ({2}, add_order(id=60, correlation="c60")),
    "a correlation id stands twice": ({2}, add_order(id=60, lines=[("AZ-900", 8)])),
    "an id stands twice": ({2}, add_order(correlation="c60", lines=[("AZ-900", 8)])),
    "a key names two orders": ({2}, lambda history: history.remains.keys.append(
        {"user": "ann", "key": "key-9", "order": 5})),
    "a repeated key got another order": ({3}, add_try(4, acknowledged(5, began=21.0))),
    "another number than promised": ({4}, lambda history: setattr(
        history.attempts[1].tries[0], "order_id", 66)),
    "another user than promised": ({4, 6}, lambda history:
        history.remains.orders[1].update(user="eve")),
    "other items than posted": ({4, 6}, lambda history:
        history.remains.orders[1].update(lines=[("AZ-900", 66)])),
    "items twice": ({4, 6}, lambda history:
        history.remains.orders[1].update(lines=[("AZ-900", 6), ("AZ-900", 6)])),
    "an acknowledged order is not completed": ({5}, lambda history:
        history.remains.orders[1].update(status=PROCESSING, completed=None)),
    "an order in doubt exists and is not completed": ({5}, lambda history:
        history.remains.orders[2].update(status=ACCEPTED, completed=None)),
    "nobody posted it": ({6}, add_order(id=60, correlation="c60", user="eve")),
    "a refused order exists": ({6, 12}, lambda history: setattr(
        history.attempts[2], "tries", [Try("accept-1", 7, 7.1, 404)])),
    "the owner was never told": ({7}, lambda history: setattr(
        history, "notes", [note for note in history.notes if note.correlation != "c5"])),
    "one of two tabs was never told": ({7}, lambda history: history.notes.pop(1)),
    "told of PROCESSING only": ({7}, lambda history: [
        setattr(note, "status", PROCESSING) for note in history.notes
        if note.correlation == "c9"]),
    "a note of nothing": ({8}, lambda history: history.notes.append(
        heard(1, 5, correlation="c0"))),
    "a note with another number": ({8}, lambda history: history.notes.append(
        heard(1, 5, order_id=55))),
    "a note before the commit": ({8}, lambda history: history.notes.append(
        heard(1, 5, wall=1004.998))),
    "a note of an end that never came": ({5, 8}, spoil_orders(status=PROCESSING, completed=None)),
    "a note in a stranger's ear": ({9}, lambda history: history.notes.append(heard(3, 5))),
    "the outbox is not empty": ({10}, set_remains(outbox=1)),
    "a queue is not empty": ({10}, set_remains(queues={"order.accepted.retry.1": 1})),
    "a dead letter that was no poison": ({10}, set_remains(dead=["p1", "p2"])),
    "a poison message is no dead letter": ({10}, set_remains(poison=["p1", "p2"])),
    "never quiet": ({11}, set_remains(quiet=None)),
    "quiet too late": ({11}, set_remains(quiet=83.0)),
    "an answer 500": ({12}, add_try(3, Try("accept-1", 12.0, 12.1, 500))),
    "a valid order refused": ({12}, add_try(3, Try("accept-1", 12.0, 12.1, 409))),
    "no answer of a healthy process": ({12}, add_try(
        3, Try("accept-1", 12.0, 17.0, None, why="time-out"))),
    "an answer 503 of a healthy process": ({12}, add_try(
        3, Try("accept-1", 40.0, 40.1, 503))),
    "an answer 503 while only the broker is away": ({12}, lambda history: (
        history.faults.append(Fault("F7", "amqp", 11.0, 13.0, 3)),
        add_try(3, Try("accept-1", 12.0, 12.1, 503))(history))),
    "an answer too late": ({12}, add_try(3, Try("accept-1", 12.0, 18.1, 503))),
    "the ingress finds nobody though all live": ({12}, add_try(
        3, Try("ingress", 12.0, 12.1, 502))),
    "liveness flaps": ({12}, lambda history: history.samples.append(sample(12.0, live=None))),
    "memory grows": ({13}, lambda history: setattr(history.samples[1], "rss", 120_000)),
    "descriptors grow": ({13}, lambda history: setattr(history.samples[1], "descriptors", 65)),
    "threads grow": ({13}, lambda history: setattr(history.samples[1], "threads", 13)),
    "it counted too few orders": ({14}, set_remains(counters={"accepted": 3, "processed": 5})),
    "it counted too few ends": ({14}, set_remains(counters={"accepted": 4, "processed": 3})),
}


class JudgeTests(unittest.TestCase):
    def test_a_good_history_has_no_violation(self):
        judgement = judge(good_history())
        self.assertEqual(judgement.violations, [], report(judgement))
        self.assertEqual(set(judgement.skipped), {14})

    def test_each_broken_history_raises_exactly_its_invariants(self):
        for name, (invariants, spoil) in BROKEN.items():
            with self.subTest(name):
                history = good_history()
                spoil(history)
                judgement = judge(history)
                # A quiet that never comes leaves nothing to compare with, and says so.
                self.assertEqual(judgement.broken(), invariants, report(judgement))

    def test_every_invariant_is_broken_by_some_history(self):
        self.assertEqual(set().union(*(broken for broken, _ in BROKEN.values())),
                         set(range(1, 15)))

    def test_what_is_allowed_is_no_violation(self):
        allowed = {
            "an answer 503 while the database is away": lambda history: (
                history.faults.append(Fault("F15", "pg", 11.0, 13.0, 3)),
                add_try(3, Try("accept-1", 12.0, 12.1, 503))(history)),
            "an answer 503 of a process that has just come back": add_try(
                3, Try("accept-2", 30.0, 30.1, 503)),
            "the client itself went away": add_try(
                3, Try("accept-1", 12.0, 12.1, None, why="aborted")),
            "an ingress without a process while one is down": add_try(
                3, Try("ingress", 21.0, 21.1, 502)),
            "counters that add up": set_remains(counters={"accepted": 4, "processed": 5}),
            "a message buried twice": set_remains(dead=["p1", "p1"]),
            "descriptors that moved with their connections": lambda history:
                history.samples.__setitem__(slice(None), [
                    sample(4.0, descriptors=60), sample(4.0, process="accept-2", descriptors=60),
                    sample(40.0, descriptors=100),
                    sample(40.0, process="accept-2", descriptors=20)]),
            "a note twice": lambda history: history.notes.append(heard(1, 5)),
            "a tab that opened after the order was posted": lambda history:
                history.connections.update({4: Connection(4, "ann", "notification-1", 15.0)}),
            "a probe in vain while the process is down": lambda history:
                history.samples.append(sample(21.0, process="accept-2", live=None)),
        }
        for name, change in allowed.items():
            with self.subTest(name):
                history = good_history()
                change(history)
                judgement = judge(history)
                self.assertEqual(judgement.violations, [], report(judgement))

    def test_what_cannot_be_judged_is_said(self):
        history = good_history()
        history.samples = []
        self.assertEqual(set(judge(history).skipped), {13, 14})
        self.assertIn("not judged: the system exposes no counters", report(judge(history)))

    def test_what_is_written_is_read_back(self):
        with tempfile.TemporaryDirectory() as directory:
            book = ledger.Ledger(Path(directory))
            book.write("posts", t=1.0, intend="k", user="ann", lines=[("AZ-900", 1)],
                       repeats=True)
            book.write("posts", **{"try": "k"}, via="accept-1", began=1.0, t=1.1, status=None,
                       why="reset")
            book.write("notes", t=0.5, open=1, user="ann", node="n1")
            book.write("notes", t=2.0, hear=1, correlation="c", id=1, status=2, wall=9.0,
                       how="push")
            book.write("notes", t=3.0, close=1)
            book.write("faults", fault="F1", target="accept-1", began=1, ended=2, bites=1,
                       hits=["accept-1"], evidence="1 reset")
            book.write("samples", t=1.0, process="accept-1", rss=1, descriptors=2, threads=3,
                       live=200, ready=503)
            book.remains(orders=[{**order(1, "ann")}], outbox=2)
            book.close()
            history = ledger.read(Path(directory))
        self.assertEqual(history.attempts, [Attempt(
            "k", "ann", [("AZ-900", 1)], True, 1.0,
            [Try("accept-1", 1.0, 1.1, None, why="reset")])])
        self.assertEqual(history.connections[1], Connection(1, "ann", "n1", 0.5, 3.0))
        self.assertEqual(history.notes, [Note(1, "c", 1, 2, 2.0, 9.0, "push")])
        self.assertEqual(history.faults[0].hits, ["accept-1"])
        self.assertEqual(history.samples[0].ready, 503)
        self.assertEqual(history.remains.orders, [order(1, "ann")])
        self.assertEqual(history.remains.outbox, 2)


if __name__ == "__main__":
    unittest.main()
